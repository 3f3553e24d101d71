package kafkatools

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// resourcePattern names resources (ResourcePattern), or with the types ANY and MATCH the
// patterns that are meant (ResourcePatternFilter).
type resourcePattern struct {
	resource    kmsg.ACLResourceType
	name        string
	patternType kmsg.ACLResourcePatternType
}

// clusterPattern is the only name that a cluster has (Resource.CLUSTER_NAME).
var clusterPattern = resourcePattern{kmsg.ACLResourceTypeCluster, "kafka-cluster", kmsg.ACLResourcePatternTypeLiteral}

func (p resourcePattern) String() string {
	return fmt.Sprintf("ResourcePattern(resourceType=%s, name=%s, patternType=%s)", p.resource, p.name, p.patternType)
}

// accessControlEntry says who may do what, or may not (AccessControlEntry).
type accessControlEntry struct {
	principal, host string
	operation       kmsg.ACLOperation
	permission      kmsg.ACLPermissionType
}

func (e accessControlEntry) String() string {
	return fmt.Sprintf("(principal=%s, host=%s, operation=%s, permissionType=%s)", e.principal, e.host, operationName(e.operation), e.permission)
}

// twoPhaseCommit is of KIP-939; the client library has no name for it yet.
const twoPhaseCommit kmsg.ACLOperation = 15

func operationName(o kmsg.ACLOperation) string {
	if o == twoPhaseCommit {
		return "TWO_PHASE_COMMIT"
	}
	return o.String()
}

// binding is a rule in the words of Java's AclBinding.
func binding(pattern resourcePattern, entry accessControlEntry) string {
	return fmt.Sprintf("(pattern=%v, entry=%v)", pattern, entry)
}

// entryLines are entries for people.
func entryLines(entries []accessControlEntry) string {
	var lines []string
	for _, entry := range entries {
		lines = append(lines, "\t"+entry.String())
	}
	return strings.Join(lines, "\n")
}

// accessRules are the entries of each pattern. Kafka's tool has sets here and prints them in any order.
// Invariant: the entries of a pattern are sorted by their text, and none is there twice.
type accessRules map[resourcePattern][]accessControlEntry

func (r accessRules) add(pattern resourcePattern, entries ...accessControlEntry) {
	r[pattern] = sortedByText(slices.Concat(r[pattern], entries))
}

func (r accessRules) include(more accessRules) {
	for pattern, entries := range more {
		r.add(pattern, entries...)
	}
}

// of are the rules about one principal, which is meant to the letter.
func (r accessRules) of(principal string) accessRules {
	some := accessRules{}
	for pattern, entries := range r {
		for _, entry := range entries { // they are sorted
			if entry.principal == principal {
				some[pattern] = append(some[pattern], entry)
			}
		}
	}
	return some
}

// patterns are sorted by their text.
func (r accessRules) patterns() []resourcePattern { return sortedByText(slices.Collect(maps.Keys(r))) }

// sortedByText sorts and drops what is there twice.
func sortedByText[T interface {
	comparable
	fmt.Stringer
}](items []T) []T {
	type told struct {
		text string
		item T
	}
	all := make([]told, len(items))
	for i, item := range items {
		all[i] = told{item.String(), item}
	}
	slices.SortFunc(all, func(a, b told) int { return cmp.Compare(a.text, b.text) })
	for i := range all {
		items[i] = all[i].item
	}
	return slices.Compact(items)
}

func rulesFrom(answer *kmsg.DescribeACLsResponse) accessRules {
	rules := accessRules{}
	for _, resource := range answer.Resources {
		entries := make([]accessControlEntry, len(resource.ACLs))
		for i, acl := range resource.ACLs {
			entries[i] = accessControlEntry{acl.Principal, acl.Host, acl.Operation, acl.PermissionType}
		}
		if len(entries) > 0 {
			rules.add(resourcePattern{resource.ResourceType, resource.ResourceName, resource.ResourcePatternType}, entries...)
		}
	}
	return rules
}

// rulesToAdd are those of an --add: they name resources, not filters, and somebody each.
func rulesToAdd(got *parsed) (accessRules, error) {
	patternType, err := patternTypeOf(got)
	if err != nil {
		return nil, err
	}
	if patternType == kmsg.ACLResourcePatternTypeAny || patternType == kmsg.ACLResourcePatternTypeMatch {
		return nil, &usageError{fmt.Sprintf("A '--resource-pattern-type' value of '%s' is not valid when adding acls.", patternType)}
	}
	rules, err := rulesOf(got)
	if err != nil {
		return nil, err
	}
	for _, entries := range rules {
		if len(entries) == 0 {
			return nil, &usageError{"You must specify one of: --allow-principal, --deny-principal when trying to add ACLs."}
		}
	}
	return rules, nil
}

// operationsOf are the operations of a resource, of each kind; nil for a kind that is not concerned.
type operationsOf func(kmsg.ACLResourceType) []kmsg.ACLOperation

// What --producer and --consumer stand for. An idempotent producer has a right to the cluster as well.
func producerOperations(resource kmsg.ACLResourceType) []kmsg.ACLOperation {
	switch resource {
	case kmsg.ACLResourceTypeTopic:
		return []kmsg.ACLOperation{kmsg.ACLOperationWrite, kmsg.ACLOperationDescribe, kmsg.ACLOperationCreate}
	case kmsg.ACLResourceTypeTransactionalId:
		return []kmsg.ACLOperation{kmsg.ACLOperationWrite, kmsg.ACLOperationDescribe}
	}
	return nil
}

func consumerOperations(resource kmsg.ACLResourceType) []kmsg.ACLOperation {
	switch resource {
	case kmsg.ACLResourceTypeTopic:
		return []kmsg.ACLOperation{kmsg.ACLOperationRead, kmsg.ACLOperationDescribe}
	case kmsg.ACLResourceTypeGroup:
		return []kmsg.ACLOperation{kmsg.ACLOperationRead}
	}
	return nil
}

// rulesOf are the rules that the options speak of. A pattern without entries stands for all that it has.
func rulesOf(got *parsed) (accessRules, error) {
	rules := accessRules{}
	roles := []operationsOf{}
	if got.has("producer") {
		roles = append(roles, producerOperations)
	}
	if got.has("consumer") {
		roles = append(roles, consumerOperations)
	}
	if len(roles) == 0 {
		named := operationsNamed(got.values("operation"))
		roles = append(roles, func(kmsg.ACLResourceType) []kmsg.ACLOperation { return named })
	}
	for _, role := range roles {
		if err := rules.addRole(got, role); err != nil {
			return nil, err
		}
	}
	if got.has("idempotent") {
		entries, err := entriesOf(got, []kmsg.ACLOperation{kmsg.ACLOperationIdempotentWrite})
		if err != nil {
			return nil, err
		}
		rules.add(clusterPattern, entries...)
	}
	return rules, rules.check()
}

func (r accessRules) addRole(got *parsed, operations operationsOf) error {
	patterns, err := patternsOf(got)
	if err != nil {
		return err
	}
	if len(patterns) == 0 {
		return &usageError{"You must provide at least one resource: --topic <topic> or --cluster or --group <group> or --delegation-token <Delegation Token ID>"}
	}
	for _, pattern := range patterns {
		wanted := operations(pattern.resource)
		if wanted == nil {
			continue
		}
		entries, err := entriesOf(got, wanted)
		if err != nil {
			return err
		}
		r.add(pattern, entries...)
	}
	return nil
}

// check refuses operations that a resource does not have.
func (r accessRules) check() error {
	for _, pattern := range r.patterns() {
		valid := append([]kmsg.ACLOperation{kmsg.ACLOperationAll}, supportedOperations(pattern.resource)...)
		for _, entry := range r[pattern] {
			if !slices.Contains(valid, entry.operation) {
				var names []string
				for _, operation := range valid {
					names = append(names, operationName(operation))
				}
				return &usageError{fmt.Sprintf("ResourceType %s only supports operations %s", pattern.resource, javaList(names))}
			}
		}
	}
	return nil
}

// supportedOperations is AclEntry.supportedOperations.
func supportedOperations(resource kmsg.ACLResourceType) []kmsg.ACLOperation {
	const (
		read, write, create, remove, alter, describe = kmsg.ACLOperationRead, kmsg.ACLOperationWrite, kmsg.ACLOperationCreate,
			kmsg.ACLOperationDelete, kmsg.ACLOperationAlter, kmsg.ACLOperationDescribe
		describeConfigs, alterConfigs = kmsg.ACLOperationDescribeConfigs, kmsg.ACLOperationAlterConfigs
	)
	switch resource {
	case kmsg.ACLResourceTypeTopic:
		return []kmsg.ACLOperation{read, write, create, remove, alter, describe, describeConfigs, alterConfigs}
	case kmsg.ACLResourceTypeGroup:
		return []kmsg.ACLOperation{read, remove, describe, describeConfigs, alterConfigs}
	case kmsg.ACLResourceTypeCluster:
		return []kmsg.ACLOperation{create, alter, describe, kmsg.ACLOperationClusterAction, describeConfigs, alterConfigs, kmsg.ACLOperationIdempotentWrite}
	case kmsg.ACLResourceTypeTransactionalId:
		return []kmsg.ACLOperation{write, describe, twoPhaseCommit}
	case kmsg.ACLResourceTypeDelegationToken:
		return []kmsg.ACLOperation{describe}
	case kmsg.ACLResourceTypeUser:
		return []kmsg.ACLOperation{kmsg.ACLOperationCreateTokens, kmsg.ACLOperationDescribeTokens}
	}
	return nil
}

// entriesOf grants and denies operations to those whom the options name; to nobody, if they name none.
func entriesOf(got *parsed, operations []kmsg.ACLOperation) ([]accessControlEntry, error) {
	var entries []accessControlEntry
	for _, side := range []struct {
		principal, host string
		permission      kmsg.ACLPermissionType
	}{{"allow-principal", "allow-host", kmsg.ACLPermissionTypeAllow}, {"deny-principal", "deny-host", kmsg.ACLPermissionTypeDeny}} {
		principals, err := principalsOf(got, side.principal)
		if err != nil {
			return nil, err
		}
		hosts := []string{"*"}
		if got.has(side.host) {
			hosts = trimmed(got.values(side.host))
		}
		for _, principal := range principals {
			for _, operation := range operations {
				if operation == kmsg.ACLOperationAny {
					return nil, argumentErrorf("operation must not be ANY")
				}
				for _, host := range hosts {
					entries = append(entries, accessControlEntry{principal, host, operation, side.permission})
				}
			}
		}
	}
	return entries, nil
}

// principalsOf reads the principals of an option, TYPE:NAME each, sorted (SecurityUtils.parseKafkaPrincipal).
func principalsOf(got *parsed, option string) ([]string, error) {
	principals := trimmed(got.values(option))
	for _, principal := range principals {
		if !strings.Contains(principal, ":") {
			return nil, argumentErrorf("expected a string in format principalType:principalName but got %s", principal)
		}
	}
	slices.Sort(principals)
	return slices.Compact(principals), nil
}

// patternsOf are the resources that the options name.
func patternsOf(got *parsed) ([]resourcePattern, error) {
	patternType, err := patternTypeOf(got)
	if err != nil {
		return nil, err
	}
	var patterns []resourcePattern
	for _, named := range []struct {
		option   string
		resource kmsg.ACLResourceType
	}{
		{"topic", kmsg.ACLResourceTypeTopic}, {"group", kmsg.ACLResourceTypeGroup}, {"transactional-id", kmsg.ACLResourceTypeTransactionalId},
		{"delegation-token", kmsg.ACLResourceTypeDelegationToken}, {"user-principal", kmsg.ACLResourceTypeUser},
	} {
		names := got.values(named.option)
		if named.resource != kmsg.ACLResourceTypeTransactionalId { // the one name that may have blanks around it
			names = trimmed(names)
		}
		for _, name := range names {
			patterns = append(patterns, resourcePattern{named.resource, name, patternType})
		}
	}
	// Of other types it is passed over, without a word.
	if patternType == kmsg.ACLResourcePatternTypeLiteral && got.count("cluster", "idempotent") > 0 {
		patterns = append(patterns, clusterPattern)
	}
	return sortedByText(patterns), nil
}

func trimmed(words []string) []string {
	var all []string
	for _, word := range words {
		all = append(all, strings.TrimSpace(word))
	}
	return all
}

// patternTypeOf reads --resource-pattern-type, in capitals or not.
func patternTypeOf(got *parsed) (kmsg.ACLResourcePatternType, error) {
	value, err := got.value("resource-pattern-type")
	if err != nil {
		return 0, err
	}
	for t := kmsg.ACLResourcePatternTypeAny; t <= kmsg.ACLResourcePatternTypePrefixed; t++ {
		if strings.EqualFold(t.String(), value) {
			return t, nil
		}
	}
	return 0, optionErrorf("OptionArgumentConversionException", "Cannot parse argument '%s' of option %s", value, "resource-pattern-type")
}

func patternTypeNames() (names []string) {
	for t := kmsg.ACLResourcePatternTypeAny; t <= kmsg.ACLResourcePatternTypePrefixed; t++ {
		names = append(names, t.String())
	}
	return names
}

// operationsNamed reads operations as SecurityUtils does: DescribeConfigs, in capitals or not, without
// underscores. What is none is UNKNOWN, which no resource has.
func operationsNamed(names []string) []kmsg.ACLOperation {
	var operations []kmsg.ACLOperation
	for _, name := range names {
		named := kmsg.ACLOperationUnknown
		for o := kmsg.ACLOperationAny; o <= twoPhaseCommit; o++ {
			if strings.EqualFold(strings.ReplaceAll(operationName(o), "_", ""), strings.TrimSpace(name)) {
				named = o
			}
		}
		operations = append(operations, named)
	}
	return operations
}

// operationNames are the names that --operation takes.
func operationNames() (names []string) {
	for o := kmsg.ACLOperationAll; o <= twoPhaseCommit; o++ {
		name := ""
		for word := range strings.SplitSeq(operationName(o), "_") {
			name += word[:1] + strings.ToLower(word[1:])
		}
		names = append(names, name)
	}
	return names
}
