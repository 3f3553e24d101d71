package protocol

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A compact string can say that it is longer than any string may be (Kafka's
// generated readers refuse it, and no record could hold it).
func TestStringsThatAreTooLongForAnyVersion(t *testing.T) {
	for _, c := range []struct {
		length int
		ok     bool
	}{{stringBytesMax, true}, {stringBytesMax + 1, false}} {
		name := strings.Repeat("n", c.length)

		heartbeat := kmsg.NewPtrHeartbeatRequest()
		heartbeat.SetVersion(4)
		heartbeat.Group = name
		if _, err := DecodeRequest(heartbeat.Key(), 4, heartbeat.AppendTo(nil), requestMemoryMax); (err == nil) != c.ok {
			t.Errorf("a group id of %d bytes: %v", c.length, err)
		}

		produce := kmsg.NewPtrProduceRequest()
		produce.SetVersion(9)
		topic := kmsg.NewProduceRequestTopic()
		topic.Topic = name
		produce.Topics = append(produce.Topics, topic)
		var q ProduceRequest
		if err := q.Decode(9, produce.AppendTo(nil)); (err == nil) != c.ok {
			t.Errorf("a topic name of %d bytes: %v", c.length, err)
		}
	}
}
