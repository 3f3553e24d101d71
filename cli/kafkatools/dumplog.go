package kafkatools

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/barnabas-mq/barnabas/protocol"
)

// otherDecoders are those that this tool has not, but for Kafka's own classes, which print text as it is.
var otherDecoders = []string{"cluster-metadata-decoder", "remote-log-metadata-decoder", "share-group-state-decoder", "value-decoder-class", "key-decoder-class"}

// dumping is one run of kafka-dump-log (DumpLogSegments).
type dumping struct {
	*tool
	deep, content, sanity, verify, bare bool
	bytesMax                            int64
	// decode is nil for records as they are.
	decode recordDecoder
	// complaints are told at the end, a heading for each file.
	complaints []complaint
}

type complaint struct {
	heading string
	lines   []string
}

func (d *dumping) complainOf(heading, line string) {
	if n := len(d.complaints); n > 0 && d.complaints[n-1].heading == heading {
		d.complaints[n-1].lines = append(d.complaints[n-1].lines, line)
		return
	}
	d.complaints = append(d.complaints, complaint{heading, []string{line}})
}

func dumpLog(t *tool, args []string) error {
	t.about = "This tool helps to parse a log file and dump its contents to the console, useful for debugging a seemingly corrupt log segment."
	options := []option{
		flag("print-data-log", "Print keys and values."),
		flag("verify-index-only", "Check indexes without printing them."),
		flag("index-sanity-check", "Check that indexes would be used at a start."),
		text("files", "file1, file2, ...", "Required: logs, indexes, snapshots."),
		integer("max-message-size", "size", "Without effect.").or("5242880"),
		integer("max-bytes", "size", "Read no more of a log.").or("2147483647"),
		flag("deep-iteration", "Print each record of a batch."),
		flag("skip-record-metadata", "Print keys and values alone."),
		text("offsets-decoder", "class", "Print what is in the records of __consumer_offsets.").optional(),
		text("transaction-log-decoder", "class", "Print what is in the records of __transaction_state.").optional(),
	}
	for _, name := range otherDecoders {
		options = append(options, text(name, "class", "Not in Barnabas.").optional())
	}
	p := newParser(options...)
	got, err := p.parse(args)
	if err != nil {
		return uncaught(err)
	}
	if err := t.helpOrVersion(p, args, got); err != nil {
		return err
	}
	if err := t.required(got, "files"); err != nil {
		return err
	}
	d := &dumping{tool: t, content: got.has("print-data-log"), sanity: got.has("index-sanity-check"), verify: got.has("verify-index-only"), bare: got.has("skip-record-metadata")}
	switch {
	case got.has("offsets-decoder"):
		d.content, d.decode = true, decoderOf(groupRecords)
	case got.has("transaction-log-decoder"):
		d.content, d.decode = true, decoderOf(transactionRecords)
	}
	d.deep = d.content || got.has("deep-iteration")
	files, err := got.value("files")
	if err != nil {
		return uncaught(err)
	}
	buffered := bufio.NewWriter(t.out) // a line for each record
	t.out = buffered
	defer buffered.Flush() //nolint:errcheck // nobody reads any more
	for file := range strings.SplitSeq(strings.TrimRight(files, ","), ",") {
		t.say("Dumping %s", strings.TrimSpace(file))
		if err := d.readOptions(got); err != nil {
			return err
		}
		if err := d.dump(strings.TrimSpace(file)); err != nil {
			return err
		}
	}
	for _, c := range d.complaints {
		t.complain(c.heading)
		for _, line := range c.lines {
			t.complain("  " + line)
		}
	}
	return nil
}

// readOptions are those that Kafka's tool reads when it comes to a file.
func (d *dumping) readOptions(got *parsed) (err error) {
	for _, name := range otherDecoders {
		if class := first(got.values(name)); strings.HasSuffix(name, "-class") && got.has(name) {
			// Kafka's own of these print text as it is.
			if class != "" && class != "org.apache.kafka.tools.api.StringDecoder" && class != "org.apache.kafka.tools.api.DefaultDecoder" {
				return says("Exception in thread \"main\" java.lang.RuntimeException: Failed to load decoder class")
			}
			continue
		}
		if got.has(name) {
			return says("--%s: Barnabas's dump-log prints records as they are; Apache Kafka's reads these files as well", name)
		}
	}
	d.bytesMax, _, err = got.number("max-bytes")
	return uncaught(err)
}

func (d *dumping) dump(file string) error {
	extension := filepath.Ext(file)
	dumpers := map[string]func(file string, base int64, content []byte) error{
		".index": d.index, ".timeindex": d.timeIndex, ".txnindex": d.txnIndex,
	}
	dump := dumpers[extension]
	switch extension {
	case ".snapshot":
		content, err := os.ReadFile(file)
		if err != nil {
			return noSuchFile(file, err)
		}
		return d.producers(content)
	case ".checkpoint":
		end, epoch, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), extension), "-")
		d.say("Snapshot end offset: %s, epoch: %s", trimZeros(end), trimZeros(epoch))
		return d.batches(file)
	}
	if dump == nil && extension != ".log" {
		d.complain("Ignoring unknown file " + file)
		return nil
	}
	name, _, _ := strings.Cut(filepath.Base(file), ".")
	base, err := strconv.ParseInt(name, 10, 64)
	if err != nil {
		return says("Exception in thread \"main\" java.lang.NumberFormatException: For input string: %q", name)
	}
	if extension == ".log" {
		d.say("Log starting offset: %d", base)
		return d.batches(file)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return noSuchFile(file, err)
	}
	return dump(file, base, content)
}

func trimZeros(s string) string {
	if s = strings.TrimLeft(s, "0"); s == "" {
		return "0"
	}
	return s
}

func noSuchFile(file string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return says("Exception in thread \"main\" java.nio.file.NoSuchFileException: %s", file)
	}
	return err
}

// segment is a file of batches, of which one at a time is in memory.
type segment struct {
	*os.File
	size   int64
	buffer []byte
}

func openSegment(file string) (*segment, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, noSuchFile(file, err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &segment{File: f, size: info.Size()}, nil
}

// batchPrefixBytes are the offset and the length that every batch begins with.
const batchPrefixBytes = 12

// batch is the one at a position that ends before limit, and valid until the next is read; nil when there is none.
func (s *segment) batch(position, limit int64) (protocol.Batch, error) {
	var prefix [batchPrefixBytes]byte
	if position < 0 || position+batchPrefixBytes > limit {
		return nil, nil
	}
	if _, err := s.ReadAt(prefix[:], position); err != nil {
		return nil, err
	}
	size := batchPrefixBytes + int64(int32(binary.BigEndian.Uint32(prefix[8:])))
	if size < batchPrefixBytes || size > limit-position {
		return nil, nil
	}
	if int64(cap(s.buffer)) < size {
		s.buffer = make([]byte, size)
	}
	s.buffer = s.buffer[:size]
	if _, err := s.ReadAt(s.buffer, position); err != nil {
		return nil, err
	}
	batch, rest, err := protocol.NextBatch(s.buffer)
	if err != nil || len(rest) > 0 {
		return nil, nil // what is no batch is told of as invalid bytes
	}
	return batch, nil
}

func (d *dumping) batches(file string) error {
	s, err := openSegment(file)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // only read
	limit := min(d.bytesMax, s.size)
	position, last := int64(0), protocol.Offset(-1)
	for position < limit {
		batch, err := s.batch(position, limit)
		if err != nil {
			return err
		}
		if batch == nil {
			break
		}
		d.batch(batch, position)
		if d.deep && batch.Magic() == 2 {
			if last, err = d.records(file, batch, last); err != nil {
				return err
			}
		}
		position += int64(batch.Size())
	}
	if left := s.size - position; left > 0 && limit == s.size {
		d.say("Found %d invalid bytes at the end of %s", left, filepath.Base(file))
	}
	return nil
}

var codecNames = []string{"none", "gzip", "snappy", "lz4", "zstd"}

func timestampType(b protocol.Batch) string {
	if b.IsLogAppendTime() {
		return "LogAppendTime"
	}
	return "CreateTime"
}

func (d *dumping) batch(b protocol.Batch, position int64) {
	if b.Magic() != 2 {
		d.say("offset: %d position: %d size: %d magic: %d", b.BaseOffset(), position, b.Size(), b.Magic())
		return
	}
	horizon, codec := "OptionalLong.empty", "none"
	if b.Attributes()&protocol.AttributeDeleteHorizon != 0 {
		horizon = fmt.Sprintf("OptionalLong[%d]", b.BaseTimestamp())
	}
	if n := int(b.Codec()); n < len(codecNames) {
		codec = codecNames[n]
	}
	d.say("baseOffset: %d lastOffset: %d count: %d baseSequence: %d lastSequence: %d producerId: %d producerEpoch: %d partitionLeaderEpoch: %d "+
		"isTransactional: %t isControl: %t deleteHorizonMs: %s position: %d %s: %d size: %d magic: 2 compresscodec: %s crc: %d isvalid: %t",
		b.BaseOffset(), b.LastOffset(), b.Count(), b.BaseSequence(), b.LastSequence(), b.ProducerID(), b.ProducerEpoch(), int32(b.LeaderEpoch()),
		b.IsTransactional(), b.IsControl(), horizon, position, timestampType(b), b.MaxTimestamp(), b.Size(), codec, b.CRC(), b.CRC() == b.ComputeCRC())
}

// dumpLimits let everything through: the file is the user's own.
var dumpLimits = protocol.DecodeLimits{MaxBytes: math.MaxInt32}

func (d *dumping) records(file string, b protocol.Batch, last protocol.Offset) (protocol.Offset, error) {
	sequence := b.BaseSequence()
	err := b.EachRecord(dumpLimits, func(r *protocol.Record) error {
		if last >= 0 && r.Offset != last+1 {
			absolute, err := filepath.Abs(file)
			if err != nil {
				return err
			}
			d.complainOf("Non-consecutive offsets in "+absolute, fmt.Sprintf("%d is followed by %d", last, r.Offset))
		}
		last = r.Offset
		line, err := d.record(b, r, sequence)
		if err != nil {
			d.print("%s", line)
			return err
		}
		d.say("%s", line)
		if sequence >= 0 {
			sequence++
		}
		return nil
	})
	return last, err
}

func (d *dumping) record(b protocol.Batch, r *protocol.Record, sequence int32) (line string, err error) {
	line = "|"
	if !d.bare {
		var names []string
		for _, h := range r.Headers {
			names = append(names, h.Key)
		}
		line += fmt.Sprintf(" offset: %d %s: %d keySize: %d valueSize: %d sequence: %d headerKeys: [%s]",
			r.Offset, timestampType(b), r.Timestamp, sizeOf(r.Key), sizeOf(r.Value), sequence, strings.Join(names, ","))
		if b.IsControl() {
			if marker, ok := b.EndTxnMarker(); ok {
				kind := "ABORT"
				if marker.Commit {
					kind = "COMMIT"
				}
				line += fmt.Sprintf(" endTxnMarker: %s coordinatorEpoch: %d", kind, marker.CoordinatorEpoch)
			}
		}
	}
	if !d.content || b.IsControl() {
		return line, nil
	}
	if d.decode != nil {
		if r.Key == nil {
			return line, says("Exception in thread \"main\" java.lang.RuntimeException: Failed to decode message at offset %d using the specified decoder "+
				"(message had a missing key)", r.Offset)
		}
		key, value := d.decode(int64(r.Offset), r.Key, r.Value)
		if line += " key: " + key; value != "" {
			line += " payload: " + value
		}
		return line, nil
	}
	if r.Key != nil {
		line += " key: " + string(r.Key)
	}
	if r.Value != nil {
		line += " payload: " + string(r.Value)
	}
	return line, nil
}

func sizeOf(b []byte) int {
	if b == nil {
		return -1
	}
	return len(b)
}

// index prints the entries of an offset index: 4 bytes of offset from the base, 4 of position.
func (d *dumping) index(file string, base int64, content []byte) error {
	const entryBytes = 8
	log, err := openSegment(strings.TrimSuffix(file, ".index") + ".log")
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // only read
	entries := len(content) / entryBytes
	if entries == 0 {
		d.say("%s is empty.", file)
		return nil
	}
	if d.sanity {
		d.say("%s passed sanity check.", file)
		return nil
	}
	for i := range entries {
		entry := content[i*entryBytes:]
		offset := base + int64(binary.BigEndian.Uint32(entry))
		position := int64(binary.BigEndian.Uint32(entry[4:]))
		if offset == base && i > 0 {
			return nil // room that is not used yet
		}
		batch, err := log.batch(position, log.size)
		if err != nil {
			return err
		}
		if batch != nil && batch.Magic() == 2 && int64(batch.LastOffset()) != offset {
			d.complainOf("Mismatches in :"+file, fmt.Sprintf("Index offset: %d, log offset: %d", offset, batch.LastOffset()))
		}
		if !d.verify {
			d.say("offset: %d position: %d", offset, position)
		}
	}
	return nil
}

// timeIndex prints the entries of a time index: 8 bytes of timestamp, 4 of offset from the base.
func (d *dumping) timeIndex(file string, base int64, content []byte) error {
	const entryBytes = 12
	if d.sanity {
		d.say("%s passed sanity check.", file)
		return nil
	}
	before := int64(-1)
	for i := 0; i+entryBytes <= len(content); i += entryBytes {
		timestamp := int64(binary.BigEndian.Uint64(content[i:]))
		offset := base + int64(binary.BigEndian.Uint32(content[i+8:]))
		if offset == base && i > 0 {
			return nil
		}
		if before >= timestamp {
			d.complainOf("Found out of order timestamp in :"+file, fmt.Sprintf("Index timestamp: %d, Previously indexed timestamp: %d", timestamp, before))
		}
		if !d.verify {
			d.say("timestamp: %d offset: %d", timestamp, offset)
		}
		before = timestamp
	}
	return nil
}

func (d *dumping) txnIndex(_ string, _ int64, content []byte) error {
	const entryBytes = 34
	for ; len(content) >= entryBytes; content = content[entryBytes:] {
		number := func(at int) int64 { return int64(binary.BigEndian.Uint64(content[at:])) }
		d.say("version: %d producerId: %d firstOffset: %d lastOffset: %d lastStableOffset: %d",
			binary.BigEndian.Uint16(content), number(2), number(10), number(18), number(26))
	}
	return nil
}

// producers prints a snapshot of producers (ProducerStateManager): version, CRC, count, entries.
func (d *dumping) producers(content []byte) error {
	const headerBytes, entryBytes = 10, 46
	if len(content) < headerBytes {
		return errors.New("the snapshot of producers is cut")
	}
	count := int(binary.BigEndian.Uint32(content[6:]))
	content = content[headerBytes:]
	if count > len(content)/entryBytes {
		return errors.New("the snapshot of producers is cut")
	}
	for ; count > 0; count-- {
		long := func(at int) int64 { return int64(binary.BigEndian.Uint64(content[at:])) }
		short := func(at int) int32 { return int32(binary.BigEndian.Uint32(content[at:])) }
		last, delta := short(10), short(22)
		line := fmt.Sprintf("producerId: %d producerEpoch: %d coordinatorEpoch: %d currentTxnFirstOffset: %s lastTimestamp: %d ",
			long(0), int16(binary.BigEndian.Uint16(content[8:])), short(34), optionalLong(long(38)), long(26))
		if last >= 0 {
			line += fmt.Sprintf("firstSequence: %d lastSequence: %d lastOffset: %d offsetDelta: %d timestamp: %d", last-delta, last, long(14), delta, long(26))
		}
		d.say("%s", line)
		content = content[entryBytes:]
	}
	return nil
}

func optionalLong(n int64) string {
	if n < 0 {
		return "OptionalLong.empty"
	}
	return fmt.Sprintf("OptionalLong[%d]", n)
}
