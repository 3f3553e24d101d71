package kafkatools

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The kinds of things that have settings (ConfigType).
const (
	kindTopics  = "topics"
	kindClients = "clients"
	kindUsers   = "users"
	kindBrokers = "brokers"
	kindIPs     = "ips"
	kindMetrics = "client-metrics"
	kindGroups  = "groups"
	kindLoggers = "broker-loggers"
)

var configKinds = []string{kindTopics, kindClients, kindUsers, kindBrokers, kindIPs, kindMetrics, kindGroups, kindLoggers}

// namedKinds are options that say a kind and a name at once; the second list says the default of a kind.
var (
	namedKinds = [][2]string{{"topic", kindTopics}, {"client", kindClients}, {"user", kindUsers}, {"broker", kindBrokers},
		{"broker-logger", kindLoggers}, {"ip", kindIPs}, {"client-metrics", kindMetrics}, {"group", kindGroups}}
	defaultKinds = [][2]string{{"client-defaults", kindClients}, {"user-defaults", kindUsers}, {"broker-defaults", kindBrokers}, {"ip-defaults", kindIPs}}
)

func configsParser() *parser {
	deletions := text("delete-config", "", "Settings to take away, k1,k2.").many()
	deletions.what, deletions.separator = "k1,k2", ','
	return newParser(
		text("bootstrap-server", "server to connect to", "Addresses of brokers."),
		text("bootstrap-controller", "controller to connect to", "Addresses of controllers."),
		text("command-config", "command config property file", "File with settings of the client."),
		flag("alter", "Change settings."),
		flag("describe", "Print settings."),
		flag("all", "Print all settings, not only those that were set."),
		text("entity-type", "type", strings.Join(configKinds, ", ")+".").many(),
		text("entity-name", "name", "Name of the topic, user, ...").many(),
		flag("entity-default", "The default of the kind."),
		text("add-config", "k1=v1,k2=[v1,v2]", "Settings to set."),
		text("add-config-file", "file", "File of settings to set."),
		deletions,
		text("topic", "topic", "A topic."),
		text("client", "client id", "A client id."),
		flag("client-defaults", "All clients."),
		text("user", "principal", "A user."),
		flag("user-defaults", "All users."),
		text("broker", "id", "A broker."),
		flag("broker-defaults", "All brokers."),
		text("broker-logger", "id", "The loggers of a broker."),
		flag("ip-defaults", "All addresses."),
		text("ip", "address", "An address."),
		text("group", "group", "A group."),
		text("client-metrics", "name", "A subscription of client metrics."),
	)
}

// configTool is one run of kafka-configs.
type configTool struct {
	*tool
	got    *parsed
	client *kgo.Client
	// kinds and names belong together; an empty name is the default of the kind.
	kinds, names []string
}

// configs is kafka-configs (ConfigCommand).
func configs(t *tool, args []string) error {
	t.about = "This tool helps to manipulate and describe entity config for a topic, client, user, broker, ip, client-metrics or group"
	p := configsParser()
	got, err := p.parse(args)
	if err != nil {
		return err
	}
	if err := t.helpOrVersion(p, args, got); err != nil {
		return err
	}
	c := &configTool{tool: t, got: got}
	if err := c.findEntities(); err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return err
	}
	settings, err := readProperties(first(got.values("command-config")))
	if err != nil {
		return err
	}
	bootstrap := first(slices.Concat(got.values("bootstrap-server"), got.values("bootstrap-controller")))
	if c.client, err = t.connectAdmin(bootstrap, settings); err == nil {
		defer c.client.Close()
		if got.has("alter") {
			err = c.alter()
		} else {
			err = c.describe()
		}
	}
	var wrong *argumentError
	if err == nil || errors.As(err, &wrong) {
		return err
	}
	t.complain("Error while executing config command with args '" + strings.Join(args, " ") + "'")
	t.complain("java.util.concurrent.ExecutionException: " + thrown(err))
	return &ended{1}
}

func (c *configTool) findEntities() error {
	c.kinds = slices.Clone(c.got.values("entity-type"))
	names := c.got.values("entity-name")
	for _, name := range c.got.order {
		switch {
		case name == "entity-name" && len(names) > 0:
			c.names, names = append(c.names, names[0]), names[1:]
		case name == "entity-default":
			c.names = append(c.names, "")
		}
	}
	for _, named := range namedKinds {
		if c.got.has(named[0]) {
			name, err := c.got.value(named[0])
			if err != nil {
				return err
			}
			c.kinds, c.names = append(c.kinds, named[1]), append(c.names, name)
		}
	}
	for _, named := range defaultKinds {
		if c.got.has(named[0]) {
			c.kinds, c.names = append(c.kinds, named[1]), append(c.names, "")
		}
	}
	return nil
}

func (c *configTool) check() error {
	got := c.got
	if got.count("alter", "describe") != 1 {
		return c.usage(got.parser, "Command must include exactly one action: --describe, --alter")
	}
	if err := c.forbids(got, "describe", "alter", "add-config", "delete-config"); err != nil {
		return err
	}
	for i, kind := range c.kinds {
		if slices.Contains(c.kinds[:i], kind) {
			return argumentErrorf("Duplicate entity type(s) specified: %s", kind)
		}
	}
	if got.count("bootstrap-server", "bootstrap-controller") == 0 {
		return argumentErrorf("Either --bootstrap-server or --bootstrap-controller must be specified.")
	}
	if got.count("bootstrap-server", "bootstrap-controller") > 1 {
		return argumentErrorf("Only one of --bootstrap-server or --bootstrap-controller can be specified")
	}
	for _, kind := range c.kinds {
		if !slices.Contains(configKinds, kind) {
			return argumentErrorf("Invalid entity type %s, the entity type must be one of %s with a --bootstrap-server or --bootstrap-controller argument",
				kind, strings.Join(configKinds, ", "))
		}
	}
	if len(c.kinds) == 0 {
		return argumentErrorf("At least one entity type must be specified")
	}
	userAndClient := len(c.kinds) == 2 && slices.Contains(c.kinds, kindUsers) && slices.Contains(c.kinds, kindClients)
	if len(c.kinds) > 1 && !userAndClient {
		return argumentErrorf("Only 'users' and 'clients' entity types may be specified together")
	}
	specific := func(lists ...[][2]string) bool {
		for _, list := range lists {
			for _, named := range list {
				if got.has(named[0]) {
					return true
				}
			}
		}
		return false
	}
	if got.count("entity-name", "entity-type", "entity-default") > 0 && specific(namedKinds, defaultKinds) {
		return argumentErrorf("--entity-{type,name,default} should not be used in conjunction with specific entity flags")
	}
	return c.checkNames()
}

func (c *configTool) checkNames() error {
	got, kind := c.got, c.kinds[0]
	hasName := slices.ContainsFunc(c.names, func(n string) bool { return n != "" })
	hasDefault := slices.Contains(c.names, "")
	if kind == kindBrokers || kind == kindLoggers {
		for _, name := range c.names {
			if _, err := strconv.ParseInt(name, 10, 32); name != "" && err != nil {
				return argumentErrorf("The entity name for %s must be a valid integer broker id, but it is: %s", kind, name)
			}
		}
	}
	if kind == kindIPs {
		for _, name := range c.names {
			if _, err := net.LookupHost(name); name != "" && err != nil {
				return argumentErrorf("The entity name for ips must be a valid IP or resolvable host, but it is: %s", name)
			}
		}
	}
	all := strings.Join(c.kinds, ",")
	hasDefaults := slices.ContainsFunc(c.kinds, func(k string) bool { return slices.Contains([]string{kindUsers, kindClients, kindBrokers, kindIPs}, k) })
	if got.has("describe") {
		if !hasDefaults && got.has("entity-default") {
			return argumentErrorf("--entity-default must not be specified with --describe of %s", all)
		}
		if kind == kindLoggers && !hasName {
			return argumentErrorf("An entity name must be specified with --describe of %s", all)
		}
		return nil
	}
	if hasDefaults && !hasName && !hasDefault {
		return argumentErrorf("An entity-name or default entity must be specified with --alter of users, clients, brokers or ips")
	}
	if !hasDefaults && !hasName {
		return argumentErrorf("An entity name must be specified with --alter of %s", all)
	}
	if got.has("add-config") && got.has("add-config-file") {
		return argumentErrorf("Only one of --add-config or --add-config-file must be specified")
	}
	if got.count("add-config", "add-config-file", "delete-config") == 0 {
		return argumentErrorf("At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter")
	}
	if len(c.kinds) != len(c.names) {
		return argumentErrorf("An entity name must be specified for every entity type")
	}
	return nil
}

// setting is a change of a setting; deleted ones have no value.
type setting struct {
	name, value string
	deleted     bool
}

func settingNamePattern() *regexp.Regexp { return regexp.MustCompile(`^[a-zA-Z0-9._-]*$`) }

// changes are the settings that --add-config and --delete-config name.
func (c *configTool) changes() ([]setting, error) {
	var all []setting
	if c.got.has("add-config-file") {
		file, err := readProperties(first(c.got.values("add-config-file")))
		if err != nil {
			return nil, err
		}
		for _, name := range slices.Sorted(keys(file)) {
			all = append(all, setting{name: name, value: file[name]})
		}
	}
	for _, pair := range splitOutsideBrackets(first(c.got.values("add-config"))) {
		name, value, isPair := strings.Cut(pair, "=")
		if !isPair || strings.Contains(strings.SplitN(value, "[", 2)[0], "=") {
			return nil, argumentErrorf(`requirement failed: Invalid entity config: all configs to be added must be in the format "key=val" or  "key=[val1,val2]" to group values which contain commas.`)
		}
		value = strings.NewReplacer("[", "", "]", "").Replace(value)
		name = strings.TrimSpace(name)
		all = slices.DeleteFunc(all, func(s setting) bool { return s.name == name }) // the last one wins
		all = append(all, setting{name: name, value: strings.TrimSpace(value)})
	}
	for _, s := range all {
		if !settingNamePattern().MatchString(s.name) {
			return nil, argumentErrorf("Invalid character found for config key: %s", s.name)
		}
	}
	for _, name := range c.got.values("delete-config") {
		all = append(all, setting{name: strings.TrimSpace(name), deleted: true})
	}
	return all, nil
}

// splitOutsideBrackets cuts at commas that are not within [ ].
func splitOutsideBrackets(list string) []string {
	if list == "" {
		return nil
	}
	var parts []string
	depth, from := 0, 0
	for i, r := range list {
		switch {
		case r == '[':
			depth++
		case r == ']' && depth > 0:
			depth--
		case r == ',' && depth == 0:
			parts, from = append(parts, list[from:i]), i+1
		}
	}
	return append(parts, list[from:])
}

// resourceKinds are the kinds whose settings DescribeConfigs knows, with the source of what was set on them.
var resourceKinds = map[string]struct {
	kind   kmsg.ConfigResourceType
	source kmsg.ConfigSource
}{
	kindTopics:  {kmsg.ConfigResourceTypeTopic, kmsg.ConfigSourceDynamicTopicConfig},
	kindBrokers: {kmsg.ConfigResourceTypeBroker, kmsg.ConfigSourceDynamicBrokerConfig},
	kindLoggers: {kmsg.ConfigResourceTypeBrokerLogger, -1},
	kindMetrics: {kmsg.ConfigResourceTypeClientMetrics, 7},
	kindGroups:  {kmsg.ConfigResourceTypeGroupConfig, 8},
}

func (c *configTool) alter() error {
	changes, err := c.changes()
	if err != nil {
		return err
	}
	kind, name := c.kinds[0], c.names[0]
	if _, isResource := resourceKinds[kind]; isResource {
		err = c.alterResource(kind, name, changes)
	} else {
		err = c.alterClientOrUser(changes)
	}
	if err != nil {
		return err
	}
	if name == "" {
		c.say("Completed updating default config for %s in the cluster.", kind)
	} else {
		c.say("Completed updating config for %s %s.", kind[:len(kind)-1], name)
	}
	return nil
}

func (c *configTool) alterResource(kind, name string, changes []setting) error {
	request := kmsg.NewIncrementalAlterConfigsRequest()
	resource := kmsg.NewIncrementalAlterConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = resourceKinds[kind].kind, name
	for _, change := range changes {
		config := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		config.Name, config.Value = change.name, kmsg.StringPtr(change.value)
		if change.deleted {
			config.Op = kmsg.IncrementalAlterConfigOpDelete
		}
		resource.Configs = append(resource.Configs, config)
	}
	request.Resources = append(request.Resources, resource)
	answer, err := request.RequestWith(c.ctx, c.client)
	if err != nil {
		return unreachable(err, "incrementalAlterConfigs")
	}
	for _, r := range answer.Resources {
		if err := refused(r.ErrorCode, r.ErrorMessage); err != nil {
			return err
		}
	}
	return nil
}

func (c *configTool) describe() error {
	kind := c.kinds[0]
	if _, isResource := resourceKinds[kind]; !isResource {
		return c.describeClientsAndUsers()
	}
	names := c.names
	if len(names) == 0 {
		var err error
		if names, err = c.allNames(kind); err != nil {
			return err
		}
	} else if names[0] != "" && kind != kindLoggers {
		if missing, err := c.isMissing(kind, names[0]); err != nil || missing {
			return err
		}
	}
	for _, name := range names {
		if err := c.describeResource(kind, name); err != nil {
			return err
		}
	}
	return nil
}

// isMissing tells that a thing neither exists nor has settings.
func (c *configTool) isMissing(kind, name string) (bool, error) {
	all, err := c.allNames(kind)
	if kind == kindGroups && err == nil {
		var listed []kmsg.ListGroupsResponseGroup
		listed, err = (&groupTool{c.tool, c.got, c.client}).listed(nil, nil)
		for _, group := range listed {
			all = append(all, group.Group)
		}
	}
	if err != nil || slices.Contains(all, name) {
		return false, err
	}
	if kind != kindTopics && kind != kindBrokers {
		if set, err := c.dynamic(kind, name); err == nil && len(set) > 0 {
			return false, nil
		}
	}
	c.say("The %s '%s' doesn't exist and doesn't have dynamic config.", kind[:len(kind)-1], name)
	return true, nil
}

func (c *configTool) allNames(kind string) ([]string, error) {
	switch kind {
	case kindTopics:
		names, err := c.topicNames(c.client, "", true)
		return mapOrder(mapOrder(names, 0, hashOf), 0, hashOf), err
	case kindBrokers, kindLoggers:
		answer, err := c.metadata(c.client)
		if err != nil {
			return nil, unreachable(err, "describeCluster")
		}
		var names []string
		for _, b := range answer.Brokers {
			names = append(names, strconv.Itoa(int(b.NodeID)))
		}
		return append(names, ""), nil
	}
	request := kmsg.NewListConfigResourcesRequest()
	request.ResourceTypes = []int8{int8(resourceKinds[kind].kind)}
	answer, err := request.RequestWith(c.ctx, c.client)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, r := range answer.ConfigResources {
		names = append(names, r.Name)
	}
	return names, nil
}

// dynamic are the settings that were set on the thing itself, sorted.
func (c *configTool) dynamic(kind, name string) ([]kmsg.DescribeConfigsResponseResourceConfig, error) {
	resource := resourceKinds[kind]
	source := resource.source
	if kind == kindBrokers && name == "" {
		source = kmsg.ConfigSourceDynamicDefaultBrokerConfig
	}
	all, err := c.resourceConfigs(c.client, resource.kind, name, true)
	all = slices.DeleteFunc(all, func(e kmsg.DescribeConfigsResponseResourceConfig) bool {
		return source >= 0 && e.Source != source && !c.got.has("all")
	})
	slices.SortFunc(all, func(a, b kmsg.DescribeConfigsResponseResourceConfig) int { return strings.Compare(a.Name, b.Name) })
	return all, err
}

func (c *configTool) describeResource(kind, name string) error {
	configs, err := c.dynamic(kind, name)
	if err != nil {
		return err
	}
	which := "Dynamic"
	if c.got.has("all") {
		which = "All"
	}
	if name == "" {
		c.say("Default configs for %s in the cluster are:", kind)
	} else {
		c.say("%s configs for %s %s are:", which, kind[:len(kind)-1], name)
	}
	for _, config := range configs {
		var synonyms []string
		for _, s := range config.ConfigSynonyms {
			synonyms = append(synonyms, fmt.Sprintf("%s:%s=%s", sourceName(s.Source), s.Name, textOr(s.Value, "null")))
		}
		c.say("  %s=%s sensitive=%t synonyms={%s}", config.Name, textOr(config.Value, "null"), config.IsSensitive, strings.Join(synonyms, ", "))
	}
	return nil
}

func sourceName(source kmsg.ConfigSource) string {
	switch source {
	case 7:
		return "DYNAMIC_CLIENT_METRICS_CONFIG"
	case 8:
		return "DYNAMIC_GROUP_CONFIG"
	}
	return source.String()
}
