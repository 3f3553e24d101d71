package txn

import "slices"

// State is where a transaction stands, in the numbers of Kafka's records
// (TransactionState).
type State int8

// States of a transactional id. Dead and PrepareEpochFence name moments that are
// never seen from outside; only filters know them.
const (
	Empty          State = iota // no transaction yet
	Ongoing                     // partitions were added
	PrepareCommit               // decided: markers are being written
	PrepareAbort                // decided: markers are being written
	CompleteCommit              // done; the next one may begin
	CompleteAbort               // done; the next one may begin
	dead
	prepareEpochFence
)

var stateNames = []string{"Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort", "Dead", "PrepareEpochFence"}

// String is Kafka's name of the state.
func (s State) String() string { return stateNames[s] }

// isDecided tells whether only the markers are missing.
func (s State) isDecided() bool { return s == PrepareCommit || s == PrepareAbort }

// stateNamed finds a state by name.
func stateNamed(name string) (State, bool) {
	i := slices.Index(stateNames, name)
	return State(i), i >= 0
}

// UnknownStates are the names that are no state's.
func UnknownStates(names []string) (unknown []string) {
	_, unknown = statesNamed(names)
	return unknown
}
