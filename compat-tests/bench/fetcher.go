package main

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"strings"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// answerTimeout bounds every raw answer. Apache Kafka was seen to take most of it for
// the first requests to 1,000 partitions on two busy cores.
const answerTimeout = 2 * time.Minute

// fetchBytesMax is what a Fetch asks for at most, in all partitions together.
const fetchBytesMax = 50 << 20

// dialRaw connects for raw frames; nothing may take longer than answerTimeout.
func dialRaw(address string) (*wire.Conn, error) {
	socket, err := dial(address)
	if err != nil {
		return nil, err
	}
	conn := wire.NewConn(socket)
	conn.Timeout = answerTimeout
	return conn, nil
}

// dial connects to an entrance of a broker.
func dial(address string) (net.Conn, error) {
	if secure, found := strings.CutPrefix(address, byTLS); found {
		return tls.DialWithDialer(&net.Dialer{Timeout: wire.DefaultTimeout}, "tcp", secure, tlsClient())
	}
	return net.DialTimeout("tcp", address, wire.DefaultTimeout)
}

// fetchLimits are those of each Fetch request of a fetcher.
type fetchLimits struct {
	partitionBytes int
	// wait is how long the broker may hold a request that finds nothing.
	wait time.Duration
}

var bulkFetch = fetchLimits{partitionBytes: 1 << 20, wait: 500 * time.Millisecond}

// fetchVersion is the oldest that may be answered with zstd.
const fetchVersion = 10

// fetcher reads one topic by Fetch v10 in a session, as clients do, if the broker has
// one for it. It keeps its request and the memory of the
// answers, and reads answers at their places, so that it costs next to nothing and
// leaves nothing for the garbage collector.
type fetcher struct {
	topic  string
	limits fetchLimits
	// offsets is where each partition is to be read next.
	offsets []int64

	conn   net.Conn
	reader *bufio.Reader
	// frame asks for the partitions of asked.
	frame  []byte
	asked  []int32
	answer []byte
	// session is that of the last answer, 0 for none; epoch that of the next request, 0
	// for a new session, in which all partitions are named.
	session, epoch uint32
}

func newFetcher(address, topic string, partitions int32, limits fetchLimits) (*fetcher, error) {
	conn, err := dial(address)
	if err != nil {
		return nil, err
	}
	f := &fetcher{topic: topic, limits: limits, offsets: make([]int64, partitions), conn: conn, reader: bufio.NewReaderSize(conn, 64<<10)}
	return f, f.limitTo(answerTimeout)
}

// limitTo has everything that is read or written from now on fail after a time. It is
// set once for many requests: a deadline costs as much as a small one.
func (f *fetcher) limitTo(d time.Duration) error { return f.conn.SetDeadline(time.Now().Add(d)) }

func (f *fetcher) close() { _ = f.conn.Close() } // the answers have been read

// ask sends a request for all partitions that are not read to their end yet; none is
// when there are none.
func (f *fetcher) ask(end int64) (some bool, err error) {
	live := 0
	for _, offset := range f.offsets {
		if offset < end {
			live++
		}
	}
	if live == 0 {
		return false, nil
	}
	if live != len(f.asked) {
		f.encode(end)
	}
	for i, p := range f.asked {
		binary.BigEndian.PutUint64(f.place(i)[8:], uint64(f.offsets[p]))
	}
	binary.BigEndian.PutUint32(f.frame[sessionAt:], f.session)
	binary.BigEndian.PutUint32(f.frame[sessionAt+4:], f.epoch)
	_, err = f.conn.Write(f.frame)
	return true, err
}

// sessionAt is behind size (4), key and version (2 each), correlation id (4), client id
// (2 and its bytes), replica, wait, least and most bytes (4 each), and isolation (1).
const sessionAt = 4 + 2 + 2 + 4 + 2 + len(wire.DefaultClientID) + 4*4 + 1

// goOn has the next request be of the session that an answer names.
func (f *fetcher) goOn(session uint32) {
	f.session = session
	if session == 0 {
		f.epoch = 0 // the broker has no room for it: the next request may find some
		return
	}
	if f.epoch++; f.epoch > math.MaxInt32 {
		f.epoch = 1
	}
}

// askedBytes is what a partition takes in the request: index (4), leader epoch (4),
// offset (8), log start (8) and limit (4). Partitions are the last thing in it but for
// the number of topics to forget.
const (
	askedBytes  = 28
	forgetBytes = 4
)

func (f *fetcher) place(i int) []byte {
	return f.frame[len(f.frame)-forgetBytes-askedBytes*(len(f.asked)-i):]
}

func (f *fetcher) encode(end int64) {
	request := fetchRequest(f.topic, f.offsets, end)
	request.Version, request.MaxWaitMillis = fetchVersion, int32(f.limits.wait.Milliseconds())
	f.asked = f.asked[:0]
	for i := range request.Topics[0].Partitions {
		request.Topics[0].Partitions[i].PartitionMaxBytes = int32(f.limits.partitionBytes)
		f.asked = append(f.asked, request.Topics[0].Partitions[i].Partition)
	}
	f.epoch = 0 // other partitions, another session; the one there was ends with it
	id := wire.DefaultClientID
	f.frame = wire.EncodeRequest(request, 1, &id)
}

// visitor is given what an answer has of a partition from an offset on, good until the
// next answer, and returns the offset to go on from.
type visitor func(partition int32, offset int64, records []byte) (next int64, err error)

// receive reads the answer to one request. The number of bytes is that of all records.
func (f *fetcher) receive(visit visitor) (bytes int64, err error) {
	var head [4]byte
	if _, err := io.ReadFull(f.reader, head[:]); err != nil {
		return 0, err
	}
	n := int(binary.BigEndian.Uint32(head[:]))
	if n > 2*fetchBytesMax {
		return 0, fmt.Errorf("an answer of %d bytes to a fetch of at most %d", n, fetchBytesMax)
	}
	if cap(f.answer) < n {
		f.answer = make([]byte, n)
	}
	f.answer = f.answer[:n]
	if _, err := io.ReadFull(f.reader, f.answer); err != nil {
		return 0, err
	}
	return f.walkAnswer(visit)
}

var errCutAnswer = errors.New("a fetch answer ends too early")

// walkAnswer: correlation id (4), throttle time (4), error (2), session (4), topics (4),
// name (2 and its bytes), partitions (4), then what each partition has.
func (f *fetcher) walkAnswer(visit visitor) (bytes int64, err error) {
	const errorAt, answerSessionAt, topicsAt = 4 + 4, 4 + 4 + 2, 4 + 4 + 2 + 4
	if len(f.answer) < topicsAt+4 {
		return 0, errCutAnswer
	}
	if code := int16(binary.BigEndian.Uint16(f.answer[errorAt:])); code != 0 {
		return 0, fmt.Errorf("error %d in the answer to a fetch", code)
	}
	f.goOn(binary.BigEndian.Uint32(f.answer[answerSessionAt:]))
	if binary.BigEndian.Uint32(f.answer[topicsAt:]) == 0 {
		return 0, nil // of a session only what is new is told
	}
	rest, ok := skip(f.answer, topicsAt+4+2+len(f.topic))
	if !ok || len(rest) < 4 {
		return 0, errCutAnswer
	}
	partitions := int(binary.BigEndian.Uint32(rest))
	rest = rest[4:]
	for range partitions {
		var partition int32
		var records []byte
		if partition, records, rest, err = fetchedPartition(rest); err != nil {
			return bytes, err
		}
		if partition < 0 || int(partition) >= len(f.offsets) {
			return bytes, fmt.Errorf("an answer for partition %d, which was not asked for", partition)
		}
		next, err := visit(partition, f.offsets[partition], records)
		if err != nil {
			return bytes, fmt.Errorf("partition %d: %w", partition, err)
		}
		f.offsets[partition] = next
		bytes += int64(len(records))
	}
	return bytes, nil
}

// fetchedPartition: index (4), error (2), high watermark (8), last stable offset (8),
// log start (8), aborted transactions (4 and 16 each), records (4 and their bytes). A
// count below 0 is none.
func fetchedPartition(b []byte) (partition int32, records, rest []byte, err error) {
	const head = 4 + 2 + 8 + 8 + 8 + 4
	if len(b) < head {
		return 0, nil, nil, errCutAnswer
	}
	partition = int32(binary.BigEndian.Uint32(b))
	if code := int16(binary.BigEndian.Uint16(b[4:])); code != 0 {
		return partition, nil, nil, fmt.Errorf("error %d in partition %d", code, partition)
	}
	aborted := max(0, int(int32(binary.BigEndian.Uint32(b[head-4:]))))
	b, ok := skip(b, head+16*aborted)
	if !ok || len(b) < 4 {
		return partition, nil, nil, errCutAnswer
	}
	size := max(0, int(int32(binary.BigEndian.Uint32(b))))
	if rest, ok = skip(b, 4+size); !ok {
		return partition, nil, nil, errCutAnswer
	}
	return partition, b[4 : 4+size], rest, nil
}

func skip(b []byte, n int) (rest []byte, ok bool) {
	if len(b) < n {
		return nil, false
	}
	return b[n:], true
}

// readTo reads every partition to its end and visits all that comes. Answers without
// a whole batch are an error: what is read is there.
func (f *fetcher) readTo(end int64, visit visitor) error {
	for {
		some, err := f.ask(end)
		if !some || err != nil {
			return err
		}
		progress := false
		_, err = f.receive(func(partition int32, offset int64, records []byte) (int64, error) {
			next, err := visit(partition, offset, records)
			progress = progress || next > offset
			return next, err
		})
		if err != nil {
			return err
		}
		if !progress {
			return fmt.Errorf("no progress at offsets %v of %d", f.offsets, end)
		}
	}
}
