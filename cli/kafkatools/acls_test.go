package kafkatools

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// short says rules in few words: +WRITE TOPIC t User:a; a PREFIXED pattern has a * behind, a denial a minus
// in front, a host that is not everywhere stands behind.
func short(rules accessRules) (all []string) {
	for _, pattern := range rules.patterns() {
		name := pattern.name
		if pattern.patternType != kmsg.ACLResourcePatternTypeLiteral {
			name += "(" + pattern.patternType.String() + ")"
		}
		if len(rules[pattern]) == 0 {
			all = append(all, fmt.Sprintf("all of %v %s", pattern.resource, name))
		}
		for _, entry := range rules[pattern] {
			sign := map[kmsg.ACLPermissionType]string{kmsg.ACLPermissionTypeAllow: "+", kmsg.ACLPermissionTypeDeny: "-"}[entry.permission]
			line := fmt.Sprintf("%s%v %v %s %s", sign, operationName(entry.operation), pattern.resource, name, entry.principal)
			if entry.host != "*" {
				line += " " + entry.host
			}
			all = append(all, line)
		}
	}
	return all
}

// What the options of --add stand for.
func TestRulesToAdd(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--topic t --allow-principal User:a", "+ALL TOPIC t User:a"},
		{"--topic t --allow-principal User:a --operation Read --operation describeconfigs", "+DESCRIBE_CONFIGS TOPIC t User:a\n+READ TOPIC t User:a"},
		{"--topic t --topic t --allow-principal User:a --allow-principal User:a --operation READ --operation read", "+READ TOPIC t User:a"},
		{"--topic t --deny-principal User:a --deny-host h --deny-host i --operation Write", "-WRITE TOPIC t User:a h\n-WRITE TOPIC t User:a i"},
		{"--group g --topic t --allow-principal User:a --deny-principal User:b --operation Read --allow-host h",
			"+READ GROUP g User:a h\n-READ GROUP g User:b\n+READ TOPIC t User:a h\n-READ TOPIC t User:b"},
		{"--topic t --allow-principal User:CN=a,O=b:c --operation Read", "+READ TOPIC t User:CN=a,O=b:c"},
		{"--topic t --allow-host h", "usage: You must specify one of: --allow-principal, --deny-principal when trying to add ACLs."},
		{"--topic t --resource-pattern-type PreFixed --allow-principal User:a --operation Read", "+READ TOPIC t(PREFIXED) User:a"},
		{"--topic t --resource-pattern-type match --allow-principal User:a", "usage: A '--resource-pattern-type' value of 'MATCH' is not valid when adding acls."},
		{"--topic t --resource-pattern-type any", "usage: A '--resource-pattern-type' value of 'ANY' is not valid when adding acls."},
		{"--topic t --resource-pattern-type unknown", "error: Cannot parse argument 'unknown' of option resource-pattern-type"},
		{"--topic t --resource-pattern-type literal --resource-pattern-type any", "error: Found multiple arguments for option resource-pattern-type, but you asked for only one"},
		{"--cluster --allow-principal User:a --operation ClusterAction", "+CLUSTER_ACTION CLUSTER kafka-cluster User:a"},
		{"--cluster --resource-pattern-type prefixed --allow-principal User:a", "usage: You must provide at least one resource: --topic <topic> or --cluster or --group <group> or --delegation-token <Delegation Token ID>"},
		{"--allow-principal User:a", "usage: You must provide at least one resource: --topic <topic> or --cluster or --group <group> or --delegation-token <Delegation Token ID>"},
		{"--transactional-id x --delegation-token d --user-principal User:b --allow-principal User:a",
			"+ALL DELEGATION_TOKEN d User:a\n+ALL TRANSACTIONAL_ID x User:a\n+ALL USER User:b User:a"},
		{"--transactional-id x --allow-principal User:a --operation TwoPhaseCommit", "+TWO_PHASE_COMMIT TRANSACTIONAL_ID x User:a"},
		{"--topic t --allow-principal alice", "error: expected a string in format principalType:principalName but got alice"},
		{"--topic t --allow-principal User:a --operation Any", "error: operation must not be ANY"},
		{"--topic t --allow-principal User:a --operation IdempotentWrite",
			"usage: ResourceType TOPIC only supports operations [ALL, READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS]"},
		{"--topic t --allow-principal User:a --operation DESCRIBE_CONFIGS",
			"usage: ResourceType TOPIC only supports operations [ALL, READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS]"},
		{"--group g --allow-principal User:a --operation Write", "usage: ResourceType GROUP only supports operations [ALL, READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS]"},
		{"--cluster --allow-principal User:a --operation Read",
			"usage: ResourceType CLUSTER only supports operations [ALL, CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE]"},
		{"--transactional-id x --allow-principal User:a --operation Read", "usage: ResourceType TRANSACTIONAL_ID only supports operations [ALL, WRITE, DESCRIBE, TWO_PHASE_COMMIT]"},
		{"--delegation-token d --allow-principal User:a --operation Read", "usage: ResourceType DELEGATION_TOKEN only supports operations [ALL, DESCRIBE]"},
		{"--user-principal User:b --allow-principal User:a --operation Read", "usage: ResourceType USER only supports operations [ALL, CREATE_TOKENS, DESCRIBE_TOKENS]"},
	} {
		expectRules(t, rulesToAdd, c.args, c.want)
	}
}

// What --producer and --consumer stand for.
func TestRolesAsRules(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--producer --topic t --allow-principal User:a", "+CREATE TOPIC t User:a\n+DESCRIBE TOPIC t User:a\n+WRITE TOPIC t User:a"},
		{"--producer --topic t --transactional-id x --group g --allow-principal User:a",
			"+CREATE TOPIC t User:a\n+DESCRIBE TOPIC t User:a\n+WRITE TOPIC t User:a\n+DESCRIBE TRANSACTIONAL_ID x User:a\n+WRITE TRANSACTIONAL_ID x User:a"},
		{"--producer --idempotent --resource-pattern-type prefixed --topic t --allow-principal User:a",
			"+IDEMPOTENT_WRITE CLUSTER kafka-cluster User:a\n+CREATE TOPIC t(PREFIXED) User:a\n+DESCRIBE TOPIC t(PREFIXED) User:a\n+WRITE TOPIC t(PREFIXED) User:a"},
		{"--consumer --topic t --group g --allow-principal User:a --allow-host h", "+READ GROUP g User:a h\n+DESCRIBE TOPIC t User:a h\n+READ TOPIC t User:a h"},
		{"--producer --consumer --cluster --topic t --group g --allow-principal User:a",
			"+READ GROUP g User:a\n+CREATE TOPIC t User:a\n+DESCRIBE TOPIC t User:a\n+READ TOPIC t User:a\n+WRITE TOPIC t User:a"},
		{"--producer --topic t", "usage: You must specify one of: --allow-principal, --deny-principal when trying to add ACLs."},
	} {
		expectRules(t, rulesToAdd, c.args, c.want)
	}
}

// What the options of --remove stand for: filters, and without a principal all that they find.
func TestRulesToRemove(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--topic t --topic u", "all of TOPIC t\nall of TOPIC u"},
		{"--topic t --operation nonsense", "all of TOPIC t"},
		{"--topic t --resource-pattern-type any", "all of TOPIC t(ANY)"},
		{"--topic t --resource-pattern-type match --allow-principal User:a --operation Read", "+READ TOPIC t(MATCH) User:a"},
		{"--consumer --topic t --group g", "all of GROUP g\nall of TOPIC t"},
		{"--topic t --allow-principal User:a --operation nonsense",
			"usage: ResourceType TOPIC only supports operations [ALL, READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS]"},
	} {
		expectRules(t, rulesOf, c.args, c.want)
	}
}

func expectRules(t *testing.T, read func(*parsed) (accessRules, error), args, want string) {
	t.Helper()
	got, err := aclsParser().parse(strings.Fields(args))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := read(got)
	text := strings.Join(short(rules), "\n")
	if wrong := (*usageError)(nil); errors.As(err, &wrong) {
		text = "usage: " + wrong.text
	} else if err != nil {
		text = "error: " + err.Error()
	}
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("%s (- want, + got):\n%s", args, diff)
	}
}

// The names around which there are blanks lose them, but for transactional ids.
func TestPatternsLoseBlanks(t *testing.T) {
	got, err := aclsParser().parse([]string{"--topic", " t ", "--transactional-id", " x "})
	if err != nil {
		t.Fatal(err)
	}
	patterns, err := patternsOf(got)
	if err != nil || fmt.Sprint(patterns) != "[ResourcePattern(resourceType=TOPIC, name=t, patternType=LITERAL) ResourcePattern(resourceType=TRANSACTIONAL_ID, name= x , patternType=LITERAL)]" {
		t.Errorf("%v, %v", patterns, err)
	}
}

// What the options alone forbid, before a broker is asked.
func TestACLOptions(t *testing.T) {
	const consumer = "With --consumer you must specify a --topic and a --group and no --cluster or --transactional-id option should be specified."
	for _, c := range []struct{ args, want string }{
		{"", "This tool helps to manage acls on kafka."},
		{"--list --help", "This tool helps to manage acls on kafka."},
		{"--list", "One of --bootstrap-server or --bootstrap-controller must be specified"},
		{"--list --authorizer-properties zookeeper.connect=a:1", "authorizer-properties is not a recognized option"},
		{"-b a --bootstrap-controller b --list", "b is not a recognized option"},
		{"--bootstrap-server a:1 --bootstrap-controller b:1 --list", "Only one of --bootstrap-server or --bootstrap-controller must be specified"},
		{"--bootstrap-server a:1", "Command must include exactly one action: --list, --add, --remove. "},
		{"--bootstrap-server a:1 --list --add", "Command must include exactly one action: --list, --add, --remove. "},
		{"--bootstrap-server a:1 --list --allow-principal User:a", `Option "[list]" can't be used with option "[allow-principal]"`},
		{"--bootstrap-server a:1 --list --deny-host a --consumer", `Option "[list]" can't be used with option "[consumer]"`},
		{"--bootstrap-server a:1 --add --producer --operation Read", `Option "[producer]" can't be used with option "[operation]"`},
		{"--bootstrap-server a:1 --add --consumer --deny-host h", `Option "[consumer]" can't be used with option "[deny-host]"`},
		{"--bootstrap-server a:1 --add --principal User:a", "The --principal option is only available if --list is set"},
		{"--bootstrap-server a:1 --add --producer", "With --producer you must specify a --topic"},
		{"--bootstrap-server a:1 --add --idempotent", "The --idempotent option is only available if --producer is set"},
		{"--bootstrap-server a:1 --add --consumer --topic t", consumer},
		{"--bootstrap-server a:1 --add --consumer --topic t --group g --cluster", consumer},
		{"--bootstrap-server a:1 --add --consumer --topic t --group g --transactional-id x", consumer},
		{"--bootstrap-server a:1 --add --topic", "Option topic requires an argument"},
	} {
		var out, errOut bytes.Buffer
		status, _ := Run("kafka-acls.sh", strings.Fields(c.args), strings.NewReader(""), &out, &errOut)
		said, _, _ := strings.Cut(errOut.String(), "\n")
		if status != 1 || said != c.want || out.Len() > 0 {
			t.Errorf("%s: status %d, %q, want %q\n%s", c.args, status, said, c.want, out.String())
		}
	}
}

// What goes wrong before a broker is asked ends with the words of AclCommand.main.
func TestACLsThatReachNoBroker(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--bootstrap-server a --list", "Error while executing ACL command: Failed to create new KafkaAdminClient\n"},
		{"--bootstrap-server a:1 --list --command-config /none/there", "Error while executing ACL command: /none/there\n"},
		{"--list --bootstrap-server a:1 --bootstrap-server b:1 --command-config",
			"Did not load any properties since the property file is not specified\n" +
				"Error while executing ACL command: Found multiple arguments for option bootstrap-server, but you asked for only one\n"},
		{"--bootstrap-server a:1 --list --resource-pattern-type x", "Error while executing ACL command: Cannot parse argument 'x' of option resource-pattern-type\n"},
	} {
		var out, errOut bytes.Buffer
		if status, _ := Run("kafka-acls", strings.Fields(c.args), strings.NewReader(""), &out, &errOut); status != 1 || out.String() != c.want {
			t.Errorf("%s: status %d, want %q, got %s%s", c.args, status, c.want, out.String(), errOut.String())
		}
	}
}

// ruleBook is a broker that keeps rules, and finds those whose names are the same.
type ruleBook struct {
	rules accessRules
	asked []string
	// refuse is the code of each answer, text its message; open ones let their rules be seen even so.
	refuse *kerr.Error
	text   *string
	open   bool
	// silent: answers have no results in them.
	silent bool
}

func (b *ruleBook) Request(_ context.Context, request kmsg.Request) (kmsg.Response, error) {
	b.asked = append(b.asked, kmsg.NameForKey(request.Key()))
	code := int16(0)
	if b.refuse != nil {
		code = b.refuse.Code
	}
	switch q := request.(type) {
	case *kmsg.DescribeACLsRequest:
		if b.open {
			code = 0
		}
		return b.describe(q, code), nil
	case *kmsg.CreateACLsRequest:
		p := q.ResponseKind().(*kmsg.CreateACLsResponse)
		for _, c := range q.Creations {
			if b.silent {
				continue
			}
			p.Results = append(p.Results, kmsg.CreateACLsResponseResult{ErrorCode: code, ErrorMessage: b.text})
			pattern := resourcePattern{c.ResourceType, c.ResourceName, c.ResourcePatternType}
			b.rules[pattern] = append(b.rules[pattern], accessControlEntry{c.Principal, c.Host, c.Operation, c.PermissionType})
		}
		for pattern := range b.rules {
			b.rules.add(pattern)
		}
		return p, nil
	case *kmsg.DeleteACLsRequest:
		p := q.ResponseKind().(*kmsg.DeleteACLsResponse)
		for _, f := range q.Filters {
			if !b.silent {
				p.Results = append(p.Results, kmsg.DeleteACLsResponseResult{ErrorCode: code, ErrorMessage: b.text})
			}
			if f.Principal == nil && f.Host == nil {
				b.asked = append(b.asked, fmt.Sprintf("all %v %s %v %v %v", f.ResourceType, *f.ResourceName, f.ResourcePatternType, f.Operation, f.PermissionType))
			} else {
				b.asked = append(b.asked, fmt.Sprintf("%v %s %v %s %s %v %v", f.ResourceType, *f.ResourceName, f.ResourcePatternType, *f.Principal, *f.Host, f.Operation, f.PermissionType))
			}
		}
		return p, nil
	}
	return nil, fmt.Errorf("a request that nobody expects: %T", request)
}

func (b *ruleBook) describe(q *kmsg.DescribeACLsRequest, code int16) *kmsg.DescribeACLsResponse {
	p := q.ResponseKind().(*kmsg.DescribeACLsResponse)
	p.ErrorCode, p.ErrorMessage = code, b.text
	for _, pattern := range b.rules.patterns() {
		if q.ResourceName != nil && (*q.ResourceName != pattern.name || q.ResourceType != pattern.resource) {
			continue
		}
		resource := kmsg.DescribeACLsResponseResource{ResourceType: pattern.resource, ResourceName: pattern.name, ResourcePatternType: pattern.patternType}
		for _, e := range b.rules[pattern] {
			resource.ACLs = append(resource.ACLs, kmsg.DescribeACLsResponseResourceACL{Principal: e.principal, Host: e.host, Operation: e.operation, PermissionType: e.permission})
		}
		p.Resources = append(p.Resources, resource)
	}
	return p
}

// tell has kafka-acls talk to the broker; standard input is what answers its questions.
func (b *ruleBook) tell(t *testing.T, args, answers string) (out string, err error) {
	t.Helper()
	b.asked = nil
	got, err := aclsParser().parse(strings.Fields(args))
	if err != nil {
		t.Fatal(err)
	}
	var written, complaints bytes.Buffer
	a := &aclTool{tool: &tool{out: &written, errOut: &complaints, ctx: t.Context()}, got: got, client: b, answers: bufio.NewReader(strings.NewReader(answers))}
	err = a.end(a.run())
	return written.String() + complaints.String(), err
}

// Rules are added once, and listed by resource and by principal, sorted.
func TestAddingAndListingACLs(t *testing.T) {
	b := &ruleBook{rules: accessRules{}}
	for _, c := range []struct{ args, asked, want string }{
		{"--list", "DescribeACLs", ""},
		{"--add --topic t --allow-principal User:a --operation Write --operation Read", "DescribeACLs CreateACLs",
			"Adding ACLs for resource `ResourcePattern(resourceType=TOPIC, name=t, patternType=LITERAL)`: \n" +
				" \t(principal=User:a, host=*, operation=READ, permissionType=ALLOW)\n\t(principal=User:a, host=*, operation=WRITE, permissionType=ALLOW)\n\n"},
		{"--add --topic t --allow-principal User:a --operation Read", "DescribeACLs",
			"Acl (pattern=ResourcePattern(resourceType=TOPIC, name=t, patternType=LITERAL), entry=(principal=User:a, host=*, operation=READ, permissionType=ALLOW)) already exists.\n"},
		{"--add --group g --topic t --deny-principal User:b --deny-host 10.0.0.1 --operation Read", "DescribeACLs CreateACLs DescribeACLs CreateACLs",
			"Adding ACLs for resource `ResourcePattern(resourceType=GROUP, name=g, patternType=LITERAL)`: \n" +
				" \t(principal=User:b, host=10.0.0.1, operation=READ, permissionType=DENY)\n\n" +
				"Adding ACLs for resource `ResourcePattern(resourceType=TOPIC, name=t, patternType=LITERAL)`: \n" +
				" \t(principal=User:b, host=10.0.0.1, operation=READ, permissionType=DENY)\n\n"},
		{"--list --topic t --topic u", "DescribeACLs DescribeACLs", "Current ACLs for resource `ResourcePattern(resourceType=TOPIC, name=t, patternType=LITERAL)`:\n" +
			"\t(principal=User:a, host=*, operation=READ, permissionType=ALLOW)\n\t(principal=User:a, host=*, operation=WRITE, permissionType=ALLOW)\n" +
			"\t(principal=User:b, host=10.0.0.1, operation=READ, permissionType=DENY)\n\n"},
		{"--list --principal User:c --principal User:b", "DescribeACLs", "ACLs for principal `User:b`\n" +
			"Current ACLs for resource `ResourcePattern(resourceType=GROUP, name=g, patternType=LITERAL)`:\n\t(principal=User:b, host=10.0.0.1, operation=READ, permissionType=DENY)\n\n" +
			"Current ACLs for resource `ResourcePattern(resourceType=TOPIC, name=t, patternType=LITERAL)`:\n\t(principal=User:b, host=10.0.0.1, operation=READ, permissionType=DENY)\n\n" +
			"ACLs for principal `User:c`\n"},
	} {
		out, err := b.tell(t, c.args, "")
		if diff := cmp.Diff(c.want, out); diff != "" || err != nil {
			t.Errorf("%s: %v (- want, + got):\n%s", c.args, err, diff)
		}
		if asked := strings.Join(b.asked, " "); asked != c.asked {
			t.Errorf("%s asks %s, want %s", c.args, asked, c.asked)
		}
	}
}

// A resource can have very many rules: they are added and listed in a moment, which would
// otherwise be an hour.
func TestManyRulesOfOneResource(t *testing.T) {
	const rules = 30_000
	var args strings.Builder
	args.WriteString("--add --topic t --operation Read")
	for i := range rules {
		fmt.Fprintf(&args, " --allow-principal User:%d", i)
	}
	b := &ruleBook{rules: accessRules{}}
	count := func(args, line string, want int) {
		t.Helper()
		if out, err := b.tell(t, args, ""); err != nil || strings.Count(out, line) != want {
			t.Errorf("%.50s: %d lines, want %d; %v", args, strings.Count(out, line), want, err)
		}
	}
	count(args.String(), "operation=READ", rules)
	count(args.String(), "already exists", rules)
	count("--list --topic t", "operation=READ", rules)
	count("--list --principal User:7", "operation=READ", 1)
}

// Before rules are taken away there is a question, and only y is a yes.
func TestRemovingACLs(t *testing.T) {
	const all, one = "Are you sure you want to delete all ACLs for resource filter `ResourcePattern(resourceType=TOPIC, name=t, patternType=ANY)`? (y/n)\n",
		"Are you sure you want to remove ACLs: \n \t(principal=User:a, host=*, operation=READ, permissionType=ALLOW)\n\t(principal=User:a, host=*, operation=WRITE, permissionType=ALLOW)\n" +
			" from resource filter `ResourcePattern(resourceType=TOPIC, name=t, patternType=LITERAL)`? (y/n)\n"
	const oneArgs = "--remove --topic t --allow-principal User:a --operation Read --operation Write"
	for _, c := range []struct{ args, answers, asked, want string }{
		{"--remove --resource-pattern-type any --topic t", "y\n", "DeleteACLs, all TOPIC t ANY ANY ANY", all},
		{"--remove --resource-pattern-type any --topic t", "Y", "DeleteACLs, all TOPIC t ANY ANY ANY", all},
		{"--remove --resource-pattern-type any --topic t", "yes\n", "", all},
		{"--remove --resource-pattern-type any --topic t --force", "", "DeleteACLs, all TOPIC t ANY ANY ANY", ""},
		{"--remove --resource-pattern-type any --topic t", "", "", all + "Error while executing ACL command: " + noTerminal + "\n"},
		{oneArgs, "n\n", "", one},
		{oneArgs, "y\r\n", "DeleteACLs, TOPIC t LITERAL User:a * READ ALLOW, TOPIC t LITERAL User:a * WRITE ALLOW", one},
		{"--remove --cluster --topic t --force", "", "DeleteACLs, all CLUSTER kafka-cluster LITERAL ANY ANY, DeleteACLs, all TOPIC t LITERAL ANY ANY", ""},
	} {
		b := &ruleBook{rules: accessRules{}}
		out, err := b.tell(t, c.args, c.answers)
		if diff := cmp.Diff(c.want, out); diff != "" || (err != nil) != strings.Contains(c.want, "Error") {
			t.Errorf("%s, %q: %v (- want, + got):\n%s", c.args, c.answers, err, diff)
		}
		if asked := strings.Join(b.asked, ", "); asked != c.asked {
			t.Errorf("%s, %q asks %q, want %q", c.args, c.answers, asked, c.asked)
		}
	}
}

// A broker without an authorizer, one that does not let everybody see or change its rules, and one that
// forgets to answer.
func TestRefusedACLs(t *testing.T) {
	for _, c := range []struct {
		args   string
		broker ruleBook
		want   string
	}{
		{"--list", ruleBook{refuse: kerr.SecurityDisabled, text: kmsg.StringPtr("No Authorizer is configured on the broker")},
			"org.apache.kafka.common.errors.SecurityDisabledException: No Authorizer is configured on the broker"},
		{"--add --topic t --allow-principal User:a", ruleBook{refuse: kerr.SecurityDisabled},
			"org.apache.kafka.common.errors.SecurityDisabledException: Security features are disabled."},
		{"--add --topic t --allow-principal User:a", ruleBook{refuse: kerr.ClusterAuthorizationFailed, open: true},
			"org.apache.kafka.common.errors.ClusterAuthorizationException: Cluster authorization failed."},
		{"--remove --force --topic t", ruleBook{refuse: kerr.ClusterAuthorizationFailed},
			"org.apache.kafka.common.errors.ClusterAuthorizationException: Cluster authorization failed."},
		{"--add --topic t --allow-principal User:a", ruleBook{silent: true},
			"org.apache.kafka.common.errors.UnknownServerException: The broker reported no creation result for the given ACL: " +
				"(pattern=ResourcePattern(resourceType=TOPIC, name=t, patternType=LITERAL), entry=(principal=User:a, host=*, operation=ALL, permissionType=ALLOW))"},
		{"--remove --force --topic t", ruleBook{silent: true},
			"org.apache.kafka.common.errors.UnknownServerException: The broker reported no deletion result for the given filter."},
	} {
		c.broker.rules = accessRules{}
		out, err := c.broker.tell(t, c.args, "")
		end, want := (*ended)(nil), "Error while executing ACL command: "+c.want+"\n"
		if !errors.As(err, &end) || end.status != 1 || !strings.HasSuffix(out, want) {
			t.Errorf("%s: %v, %q, want %q", c.args, err, out, want)
		}
	}
}
