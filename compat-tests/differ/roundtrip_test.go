package differ

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/schema"
	"github.com/barnabas-mq/barnabas/protocol"
)

// roundTrips is how many random bodies of each message are tried, after an empty one.
const roundTrips = 200

// What Kafka's schemas allow is what the broker decodes and encodes: requests by its
// own checks, answers by the encoder that it uses, in every version that it
// advertises.
func TestRandomMessagesRoundTrip(t *testing.T) {
	bench := newBench(t)
	r := rand.New(rand.NewPCG(1, 2))
	for _, v := range bench.Advertised() {
		judge := bench.judgeOf(v.key, v.version)
		if judge < 0 {
			t.Errorf("%s v%d: no Kafka has it", kmsg.NameForKey(v.key), v.version)
			continue
		}
		catalog := bench.catalogs[judge]
		for round := range roundTrips {
			if err := requestRoundTrip(catalog.Request(v.key), v, r, round == 0); err != nil {
				t.Errorf("%s v%d, as Kafka %s has it: %v", kmsg.NameForKey(v.key), v.version, Judges[judge], err)
				break
			}
			if err := responseRoundTrip(catalog.Response(v.key), v, r, round == 0); err != nil {
				t.Errorf("answer to %s v%d, as Kafka %s has it: %v", kmsg.NameForKey(v.key), v.version, Judges[judge], err)
				break
			}
		}
	}
}

// decodedMax is far above what a random request takes.
const decodedMax = 32 << 20

func requestRoundTrip(message *schema.Message, v version, r *rand.Rand, empty bool) error {
	body := message.Random(v.version, r, empty)
	request, err := protocol.DecodeRequest(v.key, v.version, bytes.Clone(body), decodedMax)
	if err != nil {
		return fmt.Errorf("%w: %s", err, shown(message, v, body))
	}
	switch v.key { // decoded by hand in the broker
	case int16(kmsg.Fetch):
		err = new(protocol.FetchRequest).Decode(v.version, bytes.Clone(body))
	case int16(kmsg.Produce):
		err = new(protocol.ProduceRequest).Decode(v.version, bytes.Clone(body))
	}
	if err != nil {
		return fmt.Errorf("by hand: %w: %s", err, shown(message, v, body))
	}
	return same(message, v, body, request.AppendTo(nil))
}

func responseRoundTrip(message *schema.Message, v version, r *rand.Rand, empty bool) error {
	body := message.Random(v.version, r, empty)
	response := kmsg.ResponseForKey(v.key)
	response.SetVersion(v.version)
	if err := response.ReadFrom(bytes.Clone(body)); err != nil {
		return fmt.Errorf("%w: %s", err, shown(message, v, body))
	}
	return same(message, v, body, response.AppendTo(nil))
}

func same(message *schema.Message, v version, want, got []byte) error {
	if bytes.Equal(want, got) {
		return nil
	}
	return fmt.Errorf("encoded anew it is\n  %s, was\n  %s", shown(message, v, got), shown(message, v, want))
}

func shown(message *schema.Message, v version, body []byte) string {
	tree, err := message.Decode(v.version, body)
	if err != nil {
		return fmt.Sprintf("%x (%v)", body, err)
	}
	return schema.Render(tree)
}
