package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func configVerbs() []verb {
	return []verb{
		{
			noun: "configs", name: "get", args: "topic|broker|group NAME [KEY...]", about: "print settings; the broker `default` is all brokers", run: getConfigs, prints: []Setting{},
			flags: func(f *pflag.FlagSet, o *options) {
				f.BoolVarP(&o.all, "all", "a", false, "those that have their defaults as well")
			},
		},
		{noun: "configs", name: "set", args: "topic|broker|group NAME KEY=VALUE...", about: "change settings", run: setConfigs, prints: []Outcome{}},
		{noun: "configs", name: "unset", args: "topic|broker|group NAME KEY...", about: "give settings their defaults back", run: unsetConfigs, prints: []Outcome{}},
	}
}

// resource is the thing that the first two words name.
func (c *call) resource() (kind kmsg.ConfigResourceType, name string, rest []string, err error) {
	if err := c.need(2, -1, "topic, broker or group, and a name,"); err != nil {
		return 0, "", nil, err
	}
	name = c.args[1]
	switch strings.TrimSuffix(c.args[0], "s") {
	case "topic":
		kind = kmsg.ConfigResourceTypeTopic
	case "broker":
		if kind = kmsg.ConfigResourceTypeBroker; name == "default" {
			name = ""
		}
	case "group":
		kind = kmsg.ConfigResourceTypeGroupConfig
	default:
		return 0, "", nil, usagef("%q has no settings: topic, broker or group", c.args[0])
	}
	return kind, name, c.args[2:], nil
}

// settings are all that things of a kind have, sorted, by the name of the thing.
func (c *call) settings(kind kmsg.ConfigResourceType, names ...string) (map[string][]Setting, error) {
	all := map[string][]Setting{}
	if len(names) == 0 {
		return all, nil
	}
	request := kmsg.NewDescribeConfigsRequest()
	for _, name := range names {
		resource := kmsg.NewDescribeConfigsRequestResource()
		resource.ResourceType, resource.ResourceName = kind, name
		request.Resources = append(request.Resources, resource)
	}
	answer, err := request.RequestWith(c.ctx, c.client)
	if err != nil {
		return nil, err
	}
	for _, r := range answer.Resources {
		if err := explained(kerr.ErrorForCode(r.ErrorCode), message(r.ErrorMessage), r.ResourceName); err != nil {
			return nil, err
		}
		settings := []Setting{}
		for _, s := range r.Configs {
			source := s.Source.String()
			if s.Source == 8 { // the library's newest is 7
				source = "DYNAMIC_GROUP_CONFIG"
			}
			settings = append(settings, Setting{s.Name, s.Value, source, s.ReadOnly, s.IsSensitive})
		}
		slices.SortFunc(settings, func(a, b Setting) int { return strings.Compare(a.Name, b.Name) })
		all[r.ResourceName] = settings
	}
	return all, nil
}

func message(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

func getConfigs(c *call) error {
	kind, name, keys, err := c.resource()
	if err != nil {
		return err
	}
	if err := c.connect(); err != nil {
		return err
	}
	all, err := c.settings(kind, name)
	if err != nil {
		return err
	}
	settings := all[name]
	if kind == kmsg.ConfigResourceTypeTopic && len(settings) == 0 {
		return explained(kerr.UnknownTopicOrPartition, "", name)
	}
	settings = slices.DeleteFunc(settings, func(s Setting) bool {
		if len(keys) > 0 {
			return !slices.Contains(keys, s.Name)
		}
		return !c.all && s.Source == "DEFAULT_CONFIG"
	})
	for _, key := range keys {
		if !slices.ContainsFunc(settings, func(s Setting) bool { return s.Name == key }) {
			return fmt.Errorf("%s %s has no setting %q", c.args[0], c.args[1], key)
		}
	}
	return c.show(settings, func(w io.Writer) {
		row(w, "NAME", "VALUE", "SOURCE")
		for _, s := range settings {
			value := "(secret)"
			if s.Value != nil {
				value = *s.Value
			}
			row(w, s.Name, value, s.Source)
		}
	})
}

type change = kmsg.IncrementalAlterConfigsRequestResourceConfig

// changes are what set (KEY=VALUE) and unset (KEY) words ask for.
func (c *call) changes(set, unset []string) ([]change, error) {
	values, err := pairs(set)
	if err != nil {
		return nil, err
	}
	var all []change
	for _, key := range sortedKeys(values) {
		one := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		one.Name, one.Value = key, values[key]
		all = append(all, one)
	}
	for _, key := range unset {
		one := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		one.Name, one.Op = key, kmsg.IncrementalAlterConfigOpDelete
		all = append(all, one)
	}
	return all, nil
}

func (c *call) alterConfigs(kind kmsg.ConfigResourceType, name string, changes []change) error {
	request := kmsg.NewIncrementalAlterConfigsRequest()
	resource := kmsg.NewIncrementalAlterConfigsRequestResource()
	resource.ResourceType, resource.ResourceName, resource.Configs = kind, name, changes
	request.Resources = append(request.Resources, resource)
	answer, err := request.RequestWith(c.ctx, c.client)
	if err != nil {
		return err
	}
	for _, r := range answer.Resources {
		if err := explained(kerr.ErrorForCode(r.ErrorCode), message(r.ErrorMessage), name); err != nil {
			return err
		}
	}
	return nil
}

func setConfigs(c *call) error   { return changeConfigs(c, true) }
func unsetConfigs(c *call) error { return changeConfigs(c, false) }

func changeConfigs(c *call, set bool) error {
	kind, name, words, err := c.resource()
	if err != nil {
		return err
	}
	if len(words) == 0 {
		return usagef("which settings?")
	}
	var changes []change
	if set {
		changes, err = c.changes(words, nil)
	} else {
		changes, err = c.changes(nil, words)
	}
	if err != nil {
		return err
	}
	if err := c.connect(); err != nil {
		return err
	}
	return c.outcomes([]Outcome{outcome(c.args[1], "altered", c.alterConfigs(kind, name, changes))})
}
