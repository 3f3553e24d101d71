package main

import (
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// tailAttempts is how often a tail is read anew because its beginning was deleted
// meanwhile; deletion ends soon after the producers.
const tailAttempts = 20

// verifyTail reads partition 0 from where it begins now to its end, which must be n
// batches after the first that was ever there, with checksums that match. It returns
// where the log began.
func verifyTail(address, topic string, batch []byte, n int) (start int64, err error) {
	conn, err := wire.Dial(address)
	if err != nil {
		return 0, err
	}
	defer conn.Close() //nolint:errcheck // only read from
	end := int64(n) * (int64(binary.BigEndian.Uint32(batch[batchLastDeltaAt:])) + 1)
	for range tailAttempts {
		if start, err = logStart(conn, topic); err != nil {
			return 0, err
		}
		deleted, err := readTail(conn, topic, batch, start, end)
		if err != nil {
			return 0, err
		}
		if !deleted {
			return start, checkEnds(conn, topic, 1, end)
		}
	}
	return 0, fmt.Errorf("read back: the beginning was deleted %d times while it was read", tailAttempts)
}

// readTail reads from start to end; deleted says that the start is no longer there.
func readTail(conn *wire.Conn, topic string, batch []byte, start, end int64) (deleted bool, err error) {
	for offset := start; offset < end; {
		resp, err := conn.Call(fetchRequest(topic, []int64{offset}, end))
		if err != nil {
			return false, err
		}
		p := resp.(*kmsg.FetchResponse).Topics[0].Partitions[0]
		switch err := kerr.ErrorForCode(p.ErrorCode); err {
		case nil:
		case kerr.OffsetOutOfRange:
			return true, nil
		default:
			return false, fmt.Errorf("read back at %d: %w", offset, err)
		}
		next, err := checkCopies(p.RecordBatches, offset, batch)
		if err != nil {
			return false, fmt.Errorf("read back: %w", err)
		}
		if next == offset {
			return false, fmt.Errorf("read back: no progress at offset %d of %d", offset, end)
		}
		offset = next
	}
	return false, nil
}

// logStart is the first offset of partition 0.
func logStart(conn *wire.Conn, topic string) (int64, error) {
	p := kmsg.NewListOffsetsRequestTopicPartition()
	p.Timestamp = -2
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = topic
	t.Partitions = append(t.Partitions, p)
	req := kmsg.NewPtrListOffsetsRequest()
	req.Version = 4
	req.Topics = append(req.Topics, t)
	resp, err := conn.Call(req)
	if err != nil {
		return 0, err
	}
	answer := resp.(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0]
	return answer.Offset, kerr.ErrorForCode(answer.ErrorCode)
}
