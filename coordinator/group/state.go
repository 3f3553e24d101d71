package group

// State is where a group stands, spelled as Kafka's answers spell it.
type State string

// The states of a classic group. Dead is only said of groups that do not exist.
const (
	Empty               State = "Empty"
	PreparingRebalance  State = "PreparingRebalance"
	CompletingRebalance State = "CompletingRebalance"
	Stable              State = "Stable"
	Dead                State = "Dead"
)

// Type is the protocol that a group's members speak.
type Type string

// Classic is the protocol of JoinGroup and SyncGroup.
const Classic Type = "classic"

// consumerProtocolType is the protocol type of consumers, whose metadata the
// coordinator can read.
const consumerProtocolType = "consumer"
