package metadata

import (
	"strings"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/protocol"
)

// CreateACLs makes the records of new access rules, and one result per rule, nil for what
// is there afterwards: each is judged by itself, and one that exists is not made again
// (AclControlManager).
func CreateACLs(img *Image, rules []auth.ACL, newID func() protocol.UUID) ([]Record, []error) {
	var records []Record
	results := make([]error, len(rules))
	made := make(map[auth.ACL]bool, len(rules))
	for i := range rules {
		r := &rules[i]
		if err := checkACL(r); err != nil {
			results[i] = err
			continue
		}
		if made[*r] || img.acls.has(r) {
			continue
		}
		made[*r] = true
		records = append(records, aclRecord(newID(), r))
	}
	return records, results
}

// checkACL says what keeps a rule from being one, in Kafka's words (AclApis and
// AclControlManager).
func checkACL(r *auth.ACL) error {
	switch what, ok := r.IsRule(); {
	case r.Type == auth.Cluster && r.Name != auth.ClusterName:
		return refuse(ErrInvalidRequest, "The only valid name for the CLUSTER resource is %s", auth.ClusterName)
	case r.Name == "":
		return refuse(ErrInvalidRequest, "Invalid empty resource name")
	case !ok:
		return refuse(ErrInvalidRequest, "Invalid %s", what)
	}
	if !strings.Contains(r.Principal, ":") {
		return refuse(ErrInvalidRequest, "expected a string in format principalType:principalName but got %.249s", r.Principal)
	}
	return nil
}

// deletedACLsMax bounds what the filters of one request may choose.
const deletedACLsMax = 100_000

// ACLDeletion is what one filter takes away, or why it takes nothing.
type ACLDeletion struct {
	Rules []*auth.ACL
	Err   error
}

// DeleteACLs makes the records that take away what any of the filters chooses. A rule that
// several choose is told for each, and that many times at most altogether (each else has the
// error, and nothing is taken away).
func DeleteACLs(img *Image, filters []auth.Filter) ([]Record, []ACLDeletion) {
	var records []Record
	results := make([]ACLDeletion, len(filters))
	for i := range filters {
		results[i].Err = CheckACLFilter(&filters[i])
	}
	told := 0
	for key, rule := range img.acls.byID.from("") {
		taken := false
		for i := range filters {
			if results[i].Err == nil && filters[i].Takes(rule) {
				results[i].Rules = append(results[i].Rules, rule)
				taken = true
				told++
			}
		}
		if told > deletedACLsMax {
			for i := range results {
				results[i] = ACLDeletion{Err: refuse(ErrPolicyViolation, "The filters choose more than %d access rules", deletedACLsMax)}
			}
			return nil, results
		}
		if taken {
			records = append(records, &RemoveAccessControlEntryRecord{protocol.UUID([]byte(key))})
		}
	}
	return records, results
}

// CheckACLFilter refuses a filter with a number that Kafka does not have.
func CheckACLFilter(f *auth.Filter) error {
	if f.Known() {
		return nil
	}
	return refuse(ErrInvalidRequest, "Unknown patternFilter or entryFilter.")
}
