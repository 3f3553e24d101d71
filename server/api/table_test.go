package api

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

var rewrite = flag.Bool("rewrite", false, "write the files that tests compare with")

const compatibilityPage = "../../docs/compatibility.md"

// states say more of a served API than that it is served.
var states = map[int16]string{
	17: noSASL, 36: noSASL, 29: noAuthorizer, 30: noAuthorizer, 31: noAuthorizer,
	38: noTokens, 39: noTokens, 40: noTokens, 41: noTokens,
	34: "one directory: nothing moves", 43: oneLeads, 45: nothingMoves, 46: nothingMoves, 55: oneLeads,
	80: fixedQuorum, 81: fixedQuorum,
}

// unserved are Kafka's other keys.
var unserved = map[int16]struct{ name, state string }{
	4: {"LeaderAndIsr", betweenBrokers}, 5: {"StopReplica", betweenBrokers}, 6: {"UpdateMetadata", betweenBrokers},
	7: {"ControlledShutdown", betweenBrokers}, 52: {"Vote", betweenControllers}, 53: {"BeginQuorumEpoch", betweenControllers},
	54: {"EndQuorumEpoch", betweenControllers}, 56: {"AlterPartition", betweenBrokers}, 58: {"Envelope", betweenBrokers},
	59: {"FetchSnapshot", betweenControllers}, 62: {"BrokerRegistration", betweenBrokers}, 63: {"BrokerHeartbeat", betweenBrokers},
	67: {"AllocateProducerIds", betweenBrokers}, 70: {"ControllerRegistration", betweenControllers},
	71: {"", pluginOnly}, 72: {"", pluginOnly}, 73: {"AssignReplicasToDirs", betweenBrokers},
	82: {"UpdateRaftVoter", betweenControllers},
	83: {"", betweenBrokers}, 84: {"", betweenBrokers}, 85: {"", betweenBrokers}, 86: {"", betweenBrokers}, 87: {"", betweenBrokers},
	88: {"", streamsGroups}, 89: {"", streamsGroups},
	93: {"StreamsGroupTopologyDescriptionUpdate", streamsGroups}, 94: {"UnregisterController", "not yet: Kafka 4.4"},
}

const (
	noSASL       = "refuses (ILLEGAL_SASL_STATE), as Kafka on a plaintext listener"
	noAuthorizer = "served with an authorizer, else SECURITY_DISABLED, as Kafka"
	noTokens     = "served with a secret for tokens, else DELEGATION_TOKEN_AUTH_DISABLED; refuses on a plaintext listener; both as Kafka"
	oneLeads     = "one node: it leads"
	nothingMoves = "one node: nothing moves"
	fixedQuorum  = "refuses, as Kafka with a fixed quorum"

	betweenBrokers     = "between brokers"
	betweenControllers = "between controllers"
	streamsGroups      = "not yet: streams groups"
	pluginOnly         = "Kafka advertises it with a plugin only"
	keyMax             = 94 // of Kafka 4.4
)

// apiTable has a row for every key of Kafka.
func apiTable(t *testing.T) string {
	t.Helper()
	entries, _ := buildTable()
	var table strings.Builder
	table.WriteString("| key | API | versions | state |\n|--:|---|---|---|\n")
	for key := range int16(keyMax + 1) {
		other, isUnserved := unserved[key]
		switch {
		case int(key) < len(entries) && entries[key] != nil:
			if isUnserved {
				t.Errorf("key %d is served, and is said not to be", key)
			}
			e, state := entries[key], states[key]
			if state == "" {
				state = "served"
			}
			fmt.Fprintf(&table, "| %d | %s | %d to %d | %s |\n", key, e.name, e.min, e.max, state)
		case isUnserved:
			if other.name == "" {
				other.name = protocol.APIName(key)
			}
			fmt.Fprintf(&table, "| %d | %s | | %s |\n", key, other.name, other.state)
		default:
			t.Errorf("key %d is neither served nor said not to be", key)
		}
	}
	return table.String()
}

// The page says what table.go says; -rewrite brings it in step.
func TestTheCompatibilityPageListsTheTable(t *testing.T) {
	rewriteBetweenMarks(t, compatibilityPage, apiTable(t))
}

func TestEveryRowIsComplete(t *testing.T) {
	entries, _ := buildTable()
	for _, e := range entries {
		if e == nil {
			continue
		}
		request := kmsg.RequestForKey(e.key)
		if e.serve == nil || e.min < 0 || e.min > e.max || e.max > request.MaxVersion() && e.key != describeLogDirs.key {
			t.Errorf("%s (key %d) declares versions %d to %d; the newest known is %d", e.name, e.key, e.min, e.max, request.MaxVersion())
		}
	}
}
