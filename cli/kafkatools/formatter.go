package kafkatools

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

const formatterClass = "org.apache.kafka.tools.consumer.DefaultMessageFormatter"

// formatter is Kafka's DefaultMessageFormatter, or the one that prints nothing.
type formatter struct {
	silent                                                         bool
	timestamp, key, value, partition, offset, delivery, epoch, hdr bool
	keySeparator, lineSeparator, headersSeparator, null            string
	readKey, readValue, readHeader                                 deserializer
}

type deserializer func(b []byte) (string, error)

// deserializers are Kafka's own, by class.
var deserializers = map[string]deserializer{
	"String":    asIs,
	"ByteArray": asIs,
	"Bytes":     asIs,
	"Short":     number(2, func(b []byte) string { return strconv.Itoa(int(int16(binary.BigEndian.Uint16(b)))) }),
	"Integer":   number(4, func(b []byte) string { return strconv.Itoa(int(int32(binary.BigEndian.Uint32(b)))) }),
	"Long":      number(8, func(b []byte) string { return strconv.FormatInt(int64(binary.BigEndian.Uint64(b)), 10) }),
	"Float": number(4, func(b []byte) string {
		return javaDouble(float64(math.Float32frombits(binary.BigEndian.Uint32(b))), 32)
	}),
	"Double":  number(8, func(b []byte) string { return javaDouble(math.Float64frombits(binary.BigEndian.Uint64(b)), 64) }),
	"Boolean": number(1, func(b []byte) string { return strconv.FormatBool(b[0] != 0) }),
}

func asIs(b []byte) (string, error) { return string(b), nil }

// number reads values of one size; others are errors.
func number(size int, read func(b []byte) string) deserializer {
	return func(b []byte) (string, error) {
		if len(b) != size {
			return "", says("Size of data received by the deserializer is not %d", size)
		}
		return read(b), nil
	}
}

// javaDouble writes a number as Double.toString does where that is no power of ten.
func javaDouble(f float64, bits int) string {
	if f == math.Trunc(f) && math.Abs(f) < 1e7 {
		return strconv.FormatFloat(f, 'f', 1, bits)
	}
	if a := math.Abs(f); a >= 1e-3 && a < 1e7 {
		return strconv.FormatFloat(f, 'f', -1, bits)
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, bits), "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	n, _ := strconv.Atoi(exponent)
	return mantissa + "E" + strconv.Itoa(n)
}

func (t *tool) newFormatter(got *parsed) (*formatter, error) {
	class := first(got.values("formatter"))
	f := &formatter{value: true, keySeparator: "\t", lineSeparator: "\n", headersSeparator: ",", null: "null"}
	switch class[strings.LastIndex(class, ".")+1:] {
	case "DefaultMessageFormatter":
	case "LoggingMessageFormatter":
		// It tells Java's log as well, which is no standard output.
	case "NoOpMessageFormatter":
		f.silent = true
	default:
		return nil, errors.New(class)
	}
	p, err := readProperties(first(got.values("formatter-config")))
	if err != nil {
		return nil, err
	}
	for _, which := range []string{"key", "value"} {
		if class := first(got.values(which + "-deserializer")); class != "" {
			p[which+".deserializer"] = class
		}
	}
	p = p.with(got.properties("property")).with(got.properties("formatter-property"))
	for name, field := range map[string]*bool{
		"print.timestamp": &f.timestamp, "print.key": &f.key, "print.value": &f.value, "print.partition": &f.partition,
		"print.offset": &f.offset, "print.delivery": &f.delivery, "print.epoch": &f.epoch, "print.headers": &f.hdr,
	} {
		if _, set := p[name]; set {
			*field = p.isTrue(name)
		}
	}
	for name, field := range map[string]*string{
		"key.separator": &f.keySeparator, "line.separator": &f.lineSeparator, "headers.separator": &f.headersSeparator, "null.literal": &f.null,
	} {
		if value, set := p[name]; set {
			*field = value
		}
	}
	for name, field := range map[string]*deserializer{
		"key.deserializer": &f.readKey, "value.deserializer": &f.readValue, "headers.deserializer": &f.readHeader,
	} {
		class, set := p[name]
		*field = deserializers["String"]
		if !set {
			continue
		}
		simple := strings.TrimSuffix(class[strings.LastIndex(class, ".")+1:], "Deserializer")
		if read := deserializers[simple]; read != nil {
			*field = read
		} else {
			fmt.Fprintf(t.errOut, "[%s] ERROR Unable to instantiate a deserializer from %s\n", t.now().Format("2006-01-02 15:04:05,000"), class)
		}
	}
	return f, nil
}

// write prints a record; the writer keeps the first error, and what is returned is that of a record that cannot be read.
func (f *formatter) write(out io.Writer, r *kgo.Record) error {
	if f.silent {
		return nil
	}
	var parts []string
	if f.timestamp {
		kind := "NO_TIMESTAMP"
		switch r.Attrs.TimestampType() {
		case 0:
			kind = "CreateTime:" + strconv.FormatInt(r.Timestamp.UnixMilli(), 10)
		case 1:
			kind = "LogAppendTime:" + strconv.FormatInt(r.Timestamp.UnixMilli(), 10)
		}
		parts = append(parts, kind)
	}
	if f.partition {
		parts = append(parts, "Partition:"+strconv.Itoa(int(r.Partition)))
	}
	if f.offset {
		parts = append(parts, "Offset:"+strconv.FormatInt(r.Offset, 10))
	}
	if f.delivery {
		parts = append(parts, "Delivery:NOT_PRESENT")
	}
	if f.epoch {
		parts = append(parts, "Epoch:NOT_PRESENT")
	}
	var failed error
	add := func(text string, err error) { parts, failed = append(parts, text), errors.Join(failed, err) }
	if f.hdr {
		add(f.headers(r.Headers))
	}
	if f.key {
		add(f.text(r.Key, f.readKey))
	}
	if f.value {
		add(f.text(r.Value, f.readValue))
	}
	if failed != nil {
		return failed
	}
	if len(parts) > 0 {
		fmt.Fprint(out, strings.Join(parts, f.keySeparator)+f.lineSeparator)
	}
	return nil
}

func (f *formatter) text(b []byte, read deserializer) (string, error) {
	if b == nil {
		return f.null, nil
	}
	return read(b)
}

func (f *formatter) headers(headers []kgo.RecordHeader) (string, error) {
	if len(headers) == 0 {
		return "NO_HEADERS", nil
	}
	var words []string
	for _, h := range headers {
		text, err := f.text(h.Value, f.readHeader)
		if err != nil {
			return "", err
		}
		words = append(words, h.Key+":"+text)
	}
	return strings.Join(words, f.headersSeparator), nil
}
