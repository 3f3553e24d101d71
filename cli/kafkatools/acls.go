package kafkatools

import (
	"bufio"
	"errors"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func aclsParser() *parser {
	return newParser(
		text("bootstrap-server", "server to connect to", "Addresses of brokers."),
		text("bootstrap-controller", "controller to connect to", "Addresses of controllers."),
		text("command-config", "command-config", "File with settings of the client.").optional(),
		text("topic", "topic", "A topic; '*' is all of them.").many(),
		flag("cluster", "The cluster."),
		text("group", "group", "A group; '*' is all of them.").many(),
		text("transactional-id", "transactional-id", "A transactional id; '*' is all of them.").many(),
		flag("idempotent", "With --producer: allow producers to be idempotent. Those with a transactional id may anyway."),
		text("delegation-token", "delegation-token", "A delegation token; '*' is all of them.").many(),
		text("resource-pattern-type", strings.Join(patternTypeNames(), "|"), "How names are meant: literal, prefixed, and to list and to remove "+
			"also any (of either type, with exactly this name) and match (all that decide about resources of this name).").or("LITERAL"),
		flag("add", "Add ACLs."),
		flag("remove", "Remove ACLs."),
		flag("list", "Print ACLs, of all resources unless some are named."),
		text("operation", "operation", "What is allowed or denied: "+strings.Join(operationNames(), ", ")+".").or("All").many(),
		text("allow-principal", "allow-principal", "Who is allowed, User:name; User:* is everybody.").many(),
		text("deny-principal", "deny-principal", "Who is denied, User:name, even if allowed elsewhere.").many(),
		text("principal", "principal", "With --list: whose ACLs to print.").optional().many(),
		text("allow-host", "allow-host", "Address from which those of --allow-principal are allowed; else from everywhere.").many(),
		text("deny-host", "deny-host", "Address from which those of --deny-principal are denied; else from everywhere.").many(),
		flag("producer", "All that a producer needs: WRITE, DESCRIBE and CREATE of the topic."),
		flag("consumer", "All that a consumer needs: READ and DESCRIBE of the topic, READ of the group."),
		flag("force", "Ask no questions."),
		text("user-principal", "user-principal", "A user whose tokens others create or describe.").many(),
	)
}

// aclTool is one run of kafka-acls.
type aclTool struct {
	*tool
	got     *parsed
	client  kmsg.Requestor
	answers *bufio.Reader
}

// acls is kafka-acls (AclCommand).
func acls(t *tool, args []string) error {
	t.about = "This tool helps to manage acls on kafka."
	p := aclsParser()
	got, err := p.parse(args)
	if err != nil {
		return t.usage(p, err.Error())
	}
	if err := t.checkACLs(p, args, got); err != nil {
		return err
	}
	a := &aclTool{tool: t, got: got, answers: bufio.NewReader(t.in)}
	hangUp, err := a.connect()
	if err == nil {
		defer hangUp()
		err = a.run()
	}
	return a.end(err)
}

// end tells of a failure as AclCommand.main does, but for the stack trace.
func (a *aclTool) end(err error) error {
	var wrong *usageError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		return a.usage(a.got.parser, wrong.text)
	}
	a.say("Error while executing ACL command: %s", thrown(err))
	return &ended{1}
}

// usageError is a combination of options that ends the tool with its usage text.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func (t *tool) checkACLs(p *parser, args []string, got *parsed) error {
	if err := t.helpOrVersion(p, args, got); err != nil {
		return err
	}
	switch got.count("bootstrap-server", "bootstrap-controller") {
	case 2:
		return t.usage(p, "Only one of --bootstrap-server or --bootstrap-controller must be specified")
	case 0:
		return t.usage(p, "One of --bootstrap-server or --bootstrap-controller must be specified")
	}
	if got.count("add", "remove", "list") != 1 {
		return t.usage(p, "Command must include exactly one action: --list, --add, --remove. ")
	}
	if err := t.forbids(got, "list", "producer", "consumer", "allow-host", "allow-principal", "deny-host", "deny-principal"); err != nil {
		return err
	}
	// A role says itself what it needs, and nothing is denied by one.
	for _, role := range []string{"producer", "consumer"} {
		if err := t.forbids(got, role, "operation", "deny-principal", "deny-host"); err != nil {
			return err
		}
	}
	switch producer, consumer := got.has("producer"), got.has("consumer"); {
	case got.has("principal") && !got.has("list"):
		return t.usage(p, "The --principal option is only available if --list is set")
	case producer && !got.has("topic"):
		return t.usage(p, "With --producer you must specify a --topic")
	case got.has("idempotent") && !producer:
		return t.usage(p, "The --idempotent option is only available if --producer is set")
	case consumer && (got.count("topic", "group") != 2 || !producer && got.count("cluster", "transactional-id") > 0):
		return t.usage(p, "With --consumer you must specify a --topic and a --group and no --cluster or --transactional-id option should be specified.")
	}
	return nil
}

func (a *aclTool) connect() (hangUp func(), err error) {
	file, err := a.got.value("command-config")
	if err != nil {
		return nil, err
	}
	if file == "" && a.got.has("command-config") {
		a.say("Did not load any properties since the property file is not specified")
	}
	settings, err := readProperties(file)
	if err != nil {
		return nil, err
	}
	bootstrap := ""
	for _, name := range []string{"bootstrap-server", "bootstrap-controller"} {
		if !a.got.has(name) {
			continue
		}
		if bootstrap, err = a.got.value(name); err != nil {
			return nil, err
		}
	}
	client, err := a.connectAdmin(bootstrap, settings)
	if err != nil {
		return nil, err
	}
	a.client = client
	return client.Close, nil
}

func (a *aclTool) run() error {
	switch {
	case a.got.has("add"):
		return a.add()
	case a.got.has("remove"):
		return a.remove()
	}
	return a.list()
}

// add makes the rules that are not there yet.
func (a *aclTool) add() error {
	wanted, err := rulesToAdd(a.got)
	if err != nil {
		return err
	}
	for _, pattern := range wanted.patterns() {
		there, err := a.describe(&pattern)
		if err != nil {
			return err
		}
		var missing []accessControlEntry
		known := make(map[accessControlEntry]bool, len(there[pattern]))
		for _, entry := range there[pattern] {
			known[entry] = true
		}
		for _, entry := range wanted[pattern] {
			if known[entry] {
				a.say("Acl %s already exists.", binding(pattern, entry))
			} else {
				missing = append(missing, entry)
			}
		}
		if len(missing) == 0 {
			continue
		}
		a.say("Adding ACLs for resource `%v`: \n %s\n", pattern, entryLines(missing))
		if err := a.create(pattern, missing); err != nil {
			return err
		}
	}
	return nil
}

func (a *aclTool) create(pattern resourcePattern, entries []accessControlEntry) error {
	request := kmsg.NewCreateACLsRequest()
	for _, entry := range entries {
		c := kmsg.NewCreateACLsRequestCreation()
		c.ResourceType, c.ResourceName, c.ResourcePatternType = pattern.resource, pattern.name, pattern.patternType
		c.Principal, c.Host, c.Operation, c.PermissionType = entry.principal, entry.host, entry.operation, entry.permission
		request.Creations = append(request.Creations, c)
	}
	answer, err := request.RequestWith(a.ctx, a.client)
	if err != nil {
		return unreachable(err, "createAcls")
	}
	for _, result := range answer.Results {
		if err := refused(result.ErrorCode, result.ErrorMessage); err != nil {
			return err
		}
	}
	if n := len(answer.Results); n < len(entries) {
		return &refusal{kerr.UnknownServerError, "The broker reported no creation result for the given ACL: " + binding(pattern, entries[n])}
	}
	return nil
}

// remove takes rules away: those that are named, or all of a resource.
func (a *aclTool) remove() error {
	meant, err := rulesOf(a.got)
	if err != nil {
		return err
	}
	for _, pattern := range meant.patterns() {
		entries := meant[pattern]
		question := "Are you sure you want to delete all ACLs for resource filter `" + pattern.String() + "`? (y/n)"
		if len(entries) > 0 {
			question = "Are you sure you want to remove ACLs: \n " + entryLines(entries) + "\n from resource filter `" + pattern.String() + "`? (y/n)"
		}
		sure, err := a.confirm(question)
		if err != nil {
			return err
		}
		if !sure {
			continue
		}
		if err := a.delete(pattern, entries); err != nil {
			return err
		}
	}
	return nil
}

// noTerminal is what Java's tool has to say when nobody answers. It asks the terminal alone; here an
// answer may come through a pipe as well, as it could before Kafka 4.
const noTerminal = `Cannot invoke "java.io.Console.readLine()" because the return value of "java.lang.System.console()" is null`

func (a *aclTool) confirm(question string) (bool, error) {
	if a.got.has("force") {
		return true, nil
	}
	a.say("%s", question)
	answer, err := a.answers.ReadString('\n')
	if err != nil && answer == "" {
		return false, says(noTerminal)
	}
	return strings.EqualFold(strings.TrimRight(answer, "\r\n"), "y"), nil
}

// delete takes away what the pattern filters: these entries, or all if there are none.
func (a *aclTool) delete(pattern resourcePattern, entries []accessControlEntry) error {
	request := kmsg.NewDeleteACLsRequest()
	filter := kmsg.NewDeleteACLsRequestFilter()
	filter.ResourceType, filter.ResourceName, filter.ResourcePatternType = pattern.resource, &pattern.name, pattern.patternType
	filter.Operation, filter.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	for _, entry := range entries {
		filter.Principal, filter.Host = &entry.principal, &entry.host
		filter.Operation, filter.PermissionType = entry.operation, entry.permission
		request.Filters = append(request.Filters, filter)
	}
	if len(entries) == 0 {
		request.Filters = append(request.Filters, filter)
	}
	answer, err := request.RequestWith(a.ctx, a.client)
	if err != nil {
		return unreachable(err, "deleteAcls")
	}
	for _, result := range answer.Results {
		if err := refused(result.ErrorCode, result.ErrorMessage); err != nil {
			return err
		}
		for _, match := range result.MatchingACLs {
			if err := refused(match.ErrorCode, match.ErrorMessage); err != nil {
				return err
			}
		}
	}
	if len(answer.Results) < len(request.Filters) {
		return &refusal{kerr.UnknownServerError, "The broker reported no deletion result for the given filter."}
	}
	return nil
}

func (a *aclTool) list() error {
	filters, err := patternsOf(a.got)
	if err != nil {
		return err
	}
	principals, err := principalsOf(a.got, "principal")
	if err != nil {
		return err
	}
	found := accessRules{}
	if len(filters) == 0 {
		found, err = a.describe(nil)
	}
	for i := 0; i < len(filters) && err == nil; i++ {
		var some accessRules
		some, err = a.describe(&filters[i])
		found.include(some)
	}
	if err != nil {
		return err
	}
	if len(principals) == 0 {
		a.printRules(found)
	}
	for _, principal := range principals {
		a.say("ACLs for principal `%s`", principal)
		a.printRules(found.of(principal))
	}
	return nil
}

// describe asks for the rules that a pattern filters; nil is all there are.
func (a *aclTool) describe(filter *resourcePattern) (accessRules, error) {
	request := kmsg.NewDescribeACLsRequest()
	request.ResourceType, request.ResourcePatternType = kmsg.ACLResourceTypeAny, kmsg.ACLResourcePatternTypeAny
	request.Operation, request.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	if filter != nil {
		request.ResourceType, request.ResourceName, request.ResourcePatternType = filter.resource, &filter.name, filter.patternType
	}
	answer, err := request.RequestWith(a.ctx, a.client)
	if err != nil {
		return nil, unreachable(err, "describeAcls")
	}
	if err := refused(answer.ErrorCode, answer.ErrorMessage); err != nil {
		return nil, err
	}
	return rulesFrom(answer), nil
}

func (a *aclTool) printRules(rules accessRules) {
	for _, pattern := range rules.patterns() {
		a.say("Current ACLs for resource `%v`:\n%s\n", pattern, entryLines(rules[pattern]))
	}
}
