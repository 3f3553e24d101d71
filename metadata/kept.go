package metadata

import (
	"encoding/binary"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Kept is a record that no room serves yet. Snapshots write Value, so that not
// even tagged fields that are newer than this program are lost.
type Kept struct {
	Record Record
	Value  []byte // as it was journaled
}

// Family is a kind of kept records. Its number orders a snapshot as Kafka does.
type Family byte

// The families of kept records.
const (
	FamilyClientQuotas Family = 'a' + iota
	FamilyACLs
	FamilyScram
	FamilyDelegationTokens
	FamilyZkMigration
)

// keptKey is the identity of a kept record or of what a removal removes: records
// with equal keys replace each other. It is "" for records that are not kept.
func keptKey(r Record) string {
	switch r := r.(type) {
	case *ClientQuotaRecord:
		return keyOf(FamilyClientQuotas, quotaKey(r))
	case *AccessControlEntryRecord:
		return keyOf(FamilyACLs, string(r.ID[:]))
	case *RemoveAccessControlEntryRecord:
		return keyOf(FamilyACLs, string(r.ID[:]))
	case *UserScramCredentialRecord:
		return keyOf(FamilyScram, scramKey(r.Name, r.Mechanism))
	case *RemoveUserScramCredentialRecord:
		return keyOf(FamilyScram, scramKey(r.Name, r.Mechanism))
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
	switch r := r.(type) {
	case *ClientQuotaRecord:
		return r.Remove
	case *RemoveAccessControlEntryRecord, *RemoveUserScramCredentialRecord, *RemoveDelegationTokenRecord:
		return true
	default:
		return false
	}
}

func keyOf(f Family, identity string) string { return string([]byte{byte(f)}) + identity }

func scramKey(user string, mechanism int8) string { return strconv.Itoa(int(mechanism)) + "/" + user }

// quotaKey is one limit of one entity. Lengths keep names apart that contain any
// separator, and tell the default entity (no name) from an empty one. The order
// of the parts says nothing.
func quotaKey(r *ClientQuotaRecord) string {
	var b strings.Builder
	add := func(s *string) {
		var length [4]byte
		if s == nil {
			binary.BigEndian.PutUint32(length[:], math.MaxUint32)
			b.Write(length[:])
			return
		}
		binary.BigEndian.PutUint32(length[:], uint32(len(*s)))
		b.Write(length[:])
		b.WriteString(*s)
	}
	parts := slices.Clone(r.Entity)
	slices.SortFunc(parts, func(a, b QuotaEntity) int { return strings.Compare(a.Type, b.Type) })
	for i := range parts {
		add(&parts[i].Type)
		add(parts[i].Name)
	}
	b.WriteByte(0xff) // ends the parts: a type is never null, so that no length begins so
	add(&r.Key)
	return b.String()
}

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
