package metadata

import "iter"

// Kept is a record that no room serves yet. Snapshots write Value, so that not
// even tagged fields that are newer than this program are lost. That holds for the
// families below only: what is served (quotas, access rules and SCRAM users too) is encoded anew,
// without tagged fields that this program does not know.
type Kept struct {
	Record Record
	Value  []byte // as it was journaled
}

// Family is a kind of kept records. Its number orders a snapshot as Kafka does.
type Family byte

// The families of kept records.
const (
	FamilyDelegationTokens Family = 'b' + iota
	FamilyZkMigration
)

// keptKey is the identity of a kept record or of what a removal removes: records
// with equal keys replace each other. It is "" for records that are not kept.
func keptKey(r Record) string {
	switch r := r.(type) {
	case *DelegationTokenRecord:
		return keyOf(FamilyDelegationTokens, r.TokenID)
	case *RemoveDelegationTokenRecord:
		return keyOf(FamilyDelegationTokens, r.TokenID)
	case *ZkMigrationStateRecord:
		return keyOf(FamilyZkMigration, "")
	default:
		return ""
	}
}

// removesKept tells whether the record takes the kept record with its key away.
func removesKept(r Record) bool {
	switch r.(type) {
	case *RemoveDelegationTokenRecord:
		return true
	default:
		return false
	}
}

func keyOf(f Family, identity string) string { return string([]byte{byte(f)}) + identity }

// KeptOf yields the kept records of a family in the order of their identities.
func (img *Image) KeptOf(f Family) iter.Seq[Kept] {
	return func(yield func(Kept) bool) {
		for _, k := range img.kept.withPrefix(string([]byte{byte(f)})) {
			if !yield(k) {
				return
			}
		}
	}
}
