package metadata

import "iter"

// Kept is a record that no room serves. Snapshots write Value, so that not even tagged
// fields that are newer than this program are lost. That holds for these records only: what
// is served (quotas, access rules, users of SCRAM and delegation tokens too) is encoded anew,
// without tagged fields that this program does not know.
type Kept struct {
	Record Record
	Value  []byte // as it was journaled
}

// isKept tells whether a record is kept for others; one replaces another of its type.
func isKept(r Record) bool {
	_, ok := r.(*ZkMigrationStateRecord)
	return ok
}

func keptKey(r Record) string { return string([]byte{byte(r.Type())}) }

// Kept yields the kept records by type.
func (img *Image) Kept() iter.Seq[Kept] {
	return func(yield func(Kept) bool) {
		for _, k := range img.kept.from("") {
			if !yield(k) {
				return
			}
		}
	}
}

func (img *Image) keptRecords(yield recordYield) bool {
	for k := range img.Kept() {
		if !yield(k.Record, k.Value) {
			return false
		}
	}
	return true
}
