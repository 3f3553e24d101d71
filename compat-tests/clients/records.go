package clients

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/barnabas-mq/barnabas/compat-tests/clients/program"
)

// makeRecords makes the records with the indexes from first on. They are a
// function of their index: keys and values null and empty among them, values
// with every byte, most short and some of 10 KB, headers null, empty and doubled.
func makeRecords(first, count int, lacks Lacks) []program.Record {
	records := make([]program.Record, count)
	for i := range records {
		records[i] = makeRecord(first+i, lacks)
	}
	return records
}

func makeRecord(index int, lacks Lacks) program.Record {
	r := program.Record{Key: fmt.Appendf(nil, "key-%06d", index), Value: value(index), Headers: headers(index, lacks)}
	if lacks.Headers {
		r.Value, r.Headers = append(r.Value, padding.Value...), nil
	}
	switch index % 10 { // a record without key still has its index in the value, and the other way round
	case 3:
		r.Value = nil
	case 5:
		if !lacks.EmptyValues {
			r.Value = []byte{}
		}
	case 7:
		r.Key = nil
	}
	return r
}

func value(index int) []byte {
	size := 100
	if index%50 == 0 {
		size = 10_000
	}
	b := fmt.Appendf(nil, "value-%06d:", index)
	for i := range size {
		b = append(b, byte(index*31+i*7)) // 7 is prime to 256: every byte occurs
	}
	return b
}

// padding makes every record compressible by itself, however a client cuts its
// batches: kafka-python and franz-go send a batch that compression would not
// shrink as it is, with codec none.
var padding = program.Header{Name: "padding", Value: bytes.Repeat([]byte("."), 200)}

func headers(index int, lacks Lacks) []program.Header {
	if lacks.HeadersPerRecord {
		return []program.Header{padding, {Name: "first", Value: []byte("1")}, {Name: "second", Value: []byte("two")}}
	}
	headers := []program.Header{
		padding,
		{Name: "index", Value: strconv.AppendInt(nil, int64(index), 10)},
		{Name: "bytes", Value: []byte{0, 255, byte(index)}},
		{Name: "empty", Value: []byte{}},
		{Name: "doubled", Value: []byte("1")},
		{Name: "doubled", Value: []byte("2")},
	}
	if lacks.DoubledHeaders {
		headers = headers[:len(headers)-1]
	}
	if !lacks.NullHeaders {
		headers = append(headers, program.Header{Name: "null"})
	}
	if lacks.SortedHeaders {
		sortHeaders(headers)
	}
	return headers
}

func sortHeaders(headers []program.Header) {
	slices.SortStableFunc(headers, func(a, b program.Header) int { return cmp.Compare(a.Name, b.Name) })
}

// indexOf finds the index of a record that makeRecord made, -1 for any other.
func indexOf(r program.Record) int {
	text, found := bytes.CutPrefix(r.Key, []byte("key-"))
	if !found {
		text, found = bytes.CutPrefix(r.Value, []byte("value-"))
	}
	if found && len(text) >= 6 {
		if index, err := strconv.Atoi(string(text[:6])); err == nil {
			return index
		}
	}
	return -1
}

// checkRecord compares every byte of a record with what was sent under its index.
func checkRecord(got program.Record, lacks Lacks) error {
	index := indexOf(got)
	if index < 0 {
		return fmt.Errorf("partition %d offset %d: not a record of ours: key %q, value %q", got.Partition, got.Offset, got.Key, got.Value)
	}
	want := makeRecord(index, lacks)
	same := sameBytes
	if lacks.ReadsEmptyAsNull {
		same = bytes.Equal
	}
	wrong := func(what string, got, want []byte) error {
		return fmt.Errorf("record %d: %s is %s, want %s", index, what, show(got), show(want))
	}
	if !same(got.Key, want.Key) {
		return wrong("key", got.Key, want.Key)
	}
	if !same(got.Value, want.Value) {
		return wrong("value", got.Value, want.Value)
	}
	if len(got.Headers) != len(want.Headers) {
		return fmt.Errorf("record %d: %d headers, want %d: %q", index, len(got.Headers), len(want.Headers), got.Headers)
	}
	for i, h := range want.Headers {
		if got.Headers[i].Name != h.Name {
			return fmt.Errorf("record %d: header %d is %q, want %q", index, i, got.Headers[i].Name, h.Name)
		}
		if !same(got.Headers[i].Value, h.Value) {
			return wrong("header "+h.Name, got.Headers[i].Value, h.Value)
		}
	}
	return nil
}

// sameBytes tells null from empty.
func sameBytes(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

func show(b []byte) string {
	const most = 40
	switch {
	case b == nil:
		return "null"
	case len(b) > most:
		return fmt.Sprintf("%q... (%d bytes)", b[:most], len(b))
	}
	return fmt.Sprintf("%q", b)
}
