package kafkatools

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A record that is cut anywhere is told of, and is no panic; whole it is read.
func TestDecodeOfCutRecords(t *testing.T) {
	instance := "i"
	value := kmsg.GroupMetadataValue{Version: 3, ProtocolType: "consumer", Generation: 1, Members: []kmsg.GroupMetadataValueMember{
		{MemberID: "m", InstanceID: &instance, ClientID: "c", ClientHost: "/h", Subscription: []byte{0, 0, 0, 0, 0, 1, 0, 1, 't', 0xff, 0xff, 0xff, 0xff}, Assignment: []byte{0}},
	}}
	key := kmsg.GroupMetadataKey{Version: 2, Group: "g"}
	decode := decoderOf(groupRecords)
	whole := value.AppendTo(nil)
	keyText, valueText := decode(7, key.AppendTo(nil), whole)
	if want := `{"type":"2","data":{"group":"g"}}`; keyText != want {
		t.Errorf("key: %s, want %s", keyText, want)
	}
	// An assignment that is none stays as it is.
	if want := `{"version":"3","data":{"protocolType":"consumer","generation":1,"protocol":null,"leader":null,"currentStateTimestamp":0,"members":[` +
		`{"memberId":"m","groupInstanceId":"i","clientId":"c","clientHost":"/h","rebalanceTimeout":0,"sessionTimeout":0,` +
		`"subscription":{"topics":["t"],"userData":null},"assignment":"AA=="}]}}`; valueText != want {
		t.Errorf("value: %s, want %s", valueText, want)
	}
	for n := range whole {
		if keyText, _ := decode(7, key.AppendTo(nil), whole[:n]); !strings.HasPrefix(keyText, "Error at offset 7, skipping.") {
			t.Fatalf("cut after %d bytes: %s", n, keyText)
		}
	}
}

// Tagged fields stand where the layout has them, and not at all when they are as without.
func TestDecodeOfTaggedFields(t *testing.T) {
	decode := decoderOf(transactionRecords)
	start := []byte{0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 3, 0, 0, 0, 1, 4, 0}
	times := make([]byte, 16)
	for tags, want := range map[string]string{
		"\x00": `"producerId":7,"producerEpoch":3,`,
		// The previous producer is 5, the next one -1; tag 9 is from the future.
		"\x03\x00\x08\x00\x00\x00\x00\x00\x00\x00\x05\x01\x08\xff\xff\xff\xff\xff\xff\xff\xff\x09\x01x": `"producerId":7,"previousProducerId":5,"producerEpoch":3,`,
	} {
		_, got := decode(0, []byte{0, 0, 0, 1, 't'}, append(append(append([]byte{}, start...), times...), tags...))
		if !strings.Contains(got, want) || !strings.Contains(got, `"transactionPartitions":null,`) {
			t.Errorf("%q: %s, want %s", tags, got, want)
		}
	}
}
