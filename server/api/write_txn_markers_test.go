package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/txn"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

func markerRequest(producer int64, epoch int16, topic string, partitions ...int32) kmsg.WriteTxnMarkersRequestMarker {
	m := kmsg.NewWriteTxnMarkersRequestMarker()
	m.ProducerID, m.ProducerEpoch, m.Committed, m.CoordinatorEpoch, m.TransactionVersion = producer, epoch, true, 4, 2
	m.Topics = []kmsg.WriteTxnMarkersRequestMarkerTopic{{Topic: topic, Partitions: partitions}}
	return m
}

// Each partition of each marker has its own outcome, which comes when all are there.
func TestWriteTxnMarkers(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 3)
	w.topic("__transaction_state", -1)
	find(w, 4, 0, "any")
	written := make(chan string, 10)
	var write markerWriter = func(m coordinator.Marker, partitions []txn.TopicPartition, done func([]error)) {
		written <- fmt.Sprint(m, partitions)
		errs := make([]error, len(partitions))
		for i, p := range partitions {
			errs[i] = map[int32]error{
				1: &coordinator.RefusedError{Err: logstore.ErrCoordinatorFenced}, 2: coordinator.ErrUnavailable, 7: logstore.ErrStaleEpoch,
			}[p.Partition]
		}
		go done(errs)
	}
	w.writeMarkers.Store(&write)
	for _, version := range []int16{0, 1, 2} {
		q := kmsg.NewPtrWriteTxnMarkersRequest()
		q.Markers = []kmsg.WriteTxnMarkersRequestMarker{
			markerRequest(5, 1, "t", 0, 3, 1, 2), markerRequest(6, 0, "__consumer_offsets", 7, 0, 50),
			{ProducerID: 9}, // without topics: left out
			markerRequest(5, 1, "__transaction_state", 0), markerRequest(-1, 0, "t", 3), // 3 does not exist
		}
		p := ask[*kmsg.WriteTxnMarkersResponse](w, version, q)
		got := ""
		for _, m := range p.Markers {
			got += fmt.Sprintf("%d %s", m.ProducerID, m.Topics[0].Topic)
			for _, one := range m.Topics[0].Partitions {
				got += fmt.Sprintf(" %d:%d", one.Partition, one.ErrorCode)
			}
			got += "\n"
		}
		want := fmt.Sprintf("5 t 0:0 3:%d 1:%d 2:%d\n6 __consumer_offsets 7:%d 0:0 50:%d\n5 __transaction_state 0:%d\n-1 t 3:%[1]d\n",
			protocol.ErrUnknownTopicOrPartition.Code, protocol.ErrTransactionCoordinatorFenced.Code, protocol.ErrNotLeaderOrFollower.Code,
			protocol.ErrInvalidProducerEpoch.Code, protocol.ErrUnknownTopicOrPartition.Code, protocol.ErrInvalidTopicException.Code)
		if got != want {
			t.Errorf("version %d answers\n%swant\n%s", version, got, want)
		}
		transactionVersion := map[int16]int{1: 0, 2: 2}[version]
		for i := range p.Markers {
			want := fmt.Sprintf([]string{"{{5 1} true 4 %d} [{t 0} {t 1} {t 2}]", "{{6 0} true 4 %d} [{__consumer_offsets 7} {__consumer_offsets 0}]",
				"{{5 1} true 4 %d} []", "{{-1 0} true 4 %d} []"}[i], transactionVersion)
			if got := <-written; got != want {
				t.Errorf("version %d writes %s, want %s", version, got, want)
			}
		}
	}
	for _, bad := range []kmsg.WriteTxnMarkersRequestMarker{markerRequest(-1, 0, "t", 0), markerRequest(5, -1, "t", 3, 0)} {
		q := kmsg.NewPtrWriteTxnMarkersRequest()
		q.Markers = []kmsg.WriteTxnMarkersRequestMarker{markerRequest(6, 1, "t", 1), bad}
		for _, m := range ask[*kmsg.WriteTxnMarkersResponse](w, 1, q).Markers {
			for _, one := range m.Topics[0].Partitions {
				if one.ErrorCode != protocol.ErrUnknownServerError.Code {
					t.Errorf("beside %+v: %+v", bad, m)
				}
			}
		}
	}
	twice := kmsg.NewPtrWriteTxnMarkersRequest()
	twice.Markers = []kmsg.WriteTxnMarkersRequestMarker{markerRequest(5, 1, "t", 0, 0)}
	twice.Markers[0].Topics = append(twice.Markers[0].Topics, markerRequest(5, 1, "t", 1, 0).Topics[0], markerRequest(5, 1, "u").Topics[0])
	p := ask[*kmsg.WriteTxnMarkersResponse](w, 2, twice)
	if got := <-written; len(p.Markers[0].Topics) != 1 || len(p.Markers[0].Topics[0].Partitions) != 2 || !strings.HasSuffix(got, "[{t 0} {t 1}]") {
		t.Errorf("named twice: %+v, written %s", p.Markers, got)
	}
	if p := ask[*kmsg.WriteTxnMarkersResponse](w, 2, kmsg.NewPtrWriteTxnMarkersRequest()); len(p.Markers) != 0 {
		t.Errorf("no markers: %+v", p)
	}
}
