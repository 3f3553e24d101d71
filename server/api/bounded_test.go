package api

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A name that does not exist is not repeated at its length for every partition, and
// more partitions than a request may name close the connection.
func TestErrorsDoNotMultiplyNames(t *testing.T) {
	w := newWorld(t, "barnabas.request.partitions.max=2000")
	partitions := make([]int32, 2000)
	elect := kmsg.NewPtrElectLeadersRequest()
	elect.Topics = []kmsg.ElectLeadersRequestTopic{{Topic: strings.Repeat("x", 30_000), Partitions: partitions}}
	total := 0
	for _, p := range ask[*kmsg.ElectLeadersResponse](w, 2, elect).Topics[0].Partitions {
		total += len(text(p.ErrorMessage))
	}
	if total == 0 || total > 2000*(namedMax+50) {
		t.Errorf("%d bytes of messages for %d partitions", total, len(partitions))
	}
	elect.Topics[0].Partitions = append(partitions, 0)
	elect.SetVersion(2)
	_, err := w.conn.Write(kmsg.NewRequestFormatter().AppendRequest(nil, elect, 8))
	w.must(err)
	if _, err := w.in.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("too many partitions: %v, want the end of the connection", err)
	}
}
