package metadata

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

func entityOf(parts ...string) []QuotaEntity {
	var entity []QuotaEntity
	for i := 0; i < len(parts); i += 2 {
		part := QuotaEntity{Type: parts[i]}
		if name := parts[i+1]; name != "default" {
			part.Name = &name
		}
		entity = append(entity, part)
	}
	return entity
}

// tellQuotas is what the image limits, in words.
func tellQuotas(img *Image) string {
	var lines []string
	for q := range img.ClientQuotas() {
		lines = append(lines, fmt.Sprintf("%s %v", describeEntity(q.Entity), q.Limits))
	}
	return strings.Join(lines, "; ")
}

// The limits of an entity are found by its parts, whatever their order, and go with the last one.
func TestQuotaRecords(t *testing.T) {
	set := func(key string, value float64, parts ...string) Record {
		return &ClientQuotaRecord{Entity: entityOf(parts...), Key: key, Value: value}
	}
	remove := func(key string, parts ...string) Record {
		return &ClientQuotaRecord{Entity: entityOf(parts...), Key: key, Remove: true}
	}
	for name, c := range map[string]struct {
		records []Record
		want    string
	}{
		"two keys":                {[]Record{set("b", 1, "user", "x"), set("a", 2, "user", "x")}, "ClientQuotaEntity(entries={user=x}) [{a 2} {b 1}]"},
		"replaced":                {[]Record{set("a", 1, "user", "x"), set("a", 2, "user", "x")}, "ClientQuotaEntity(entries={user=x}) [{a 2}]"},
		"removed":                 {[]Record{set("a", 1, "user", "x"), remove("a", "user", "x")}, ""},
		"one of two removed":      {[]Record{set("a", 1, "user", "x"), set("b", 2, "user", "x"), remove("a", "user", "x")}, "ClientQuotaEntity(entries={user=x}) [{b 2}]"},
		"unknown removed":         {[]Record{set("a", 1, "user", "x"), remove("b", "user", "x"), remove("a", "user", "y")}, "ClientQuotaEntity(entries={user=x}) [{a 1}]"},
		"order of parts":          {[]Record{set("a", 1, "user", "x", "client-id", "c"), remove("a", "client-id", "c", "user", "x")}, ""},
		"the default is not \"\"": {[]Record{set("a", 1, "user", "default"), set("a", 2, "user", ""), remove("a", "user", "")}, "ClientQuotaEntity(entries={user=null}) [{a 1}]"},
	} {
		img := imageOf(t, c.records...)
		if got := tellQuotas(img); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		same(t, throughSnapshot(t, img), img)
	}
}

// What Kafka's ClientQuotaControlManager refuses is refused, and leaves no records.
func TestAlterClientQuotas(t *testing.T) {
	img := imageOf(t, &ClientQuotaRecord{Entity: entityOf("user", "x"), Key: "producer_byte_rate", Value: 7})
	op := func(key string, value float64) QuotaOp { return QuotaOp{Key: key, Value: value} }
	errNoHost := fmt.Errorf("%w: no host", ErrInvalidRequest)
	checkHost := func(name string) error {
		if name == "nowhere" {
			return errNoHost
		}
		return nil
	}
	for name, c := range map[string]struct {
		entity []QuotaEntity
		ops    []QuotaOp
		want   string // of the error; without one, the number of records
	}{
		"set":                      {entityOf("user", "y"), []QuotaOp{op("producer_byte_rate", 1), op("request_percentage", 0.5)}, "2"},
		"set what is":              {entityOf("user", "x"), []QuotaOp{op("producer_byte_rate", 7)}, "0"},
		"removed":                  {entityOf("user", "x"), []QuotaOp{{Key: "producer_byte_rate", Remove: true}}, "1"},
		"removed what is not":      {entityOf("user", "x"), []QuotaOp{{Key: "consumer_byte_rate", Remove: true}}, "0"},
		"defaults":                 {entityOf("user", "default", "client-id", "default"), []QuotaOp{op("controller_mutation_rate", 1.5)}, "1"},
		"address":                  {entityOf("ip", "10.0.0.1"), []QuotaOp{op("connection_creation_rate", 10)}, "1"},
		"nothing":                  {nil, nil, "Invalid empty client quota entity"},
		"unknown part":             {entityOf("group", "g"), nil, "Unhandled client quota entity type: group"},
		"empty name":               {entityOf("user", ""), nil, "Empty user not supported"},
		"address and user":         {entityOf("ip", "10.0.0.1", "user", "x"), nil, "Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId"},
		"no address":               {entityOf("ip", "nowhere"), nil, errNoHost.Error()},
		"unknown key":              {entityOf("user", "x"), []QuotaOp{op("nonsense", 1)}, "Invalid configuration key nonsense"},
		"key of an address":        {entityOf("user", "x"), []QuotaOp{op("connection_creation_rate", 1)}, "Invalid configuration key connection_creation_rate"},
		"zero":                     {entityOf("user", "x"), []QuotaOp{op("request_percentage", 0)}, "Quota request_percentage must be greater than 0"},
		"fraction":                 {entityOf("user", "x"), []QuotaOp{op("producer_byte_rate", 1.5)}, "producer_byte_rate cannot be a fractional value."},
		"too large":                {entityOf("ip", "default"), []QuotaOp{op("connection_creation_rate", math.MaxInt32+1)}, "Proposed value for connection_creation_rate is too large for an INT."},
		"far too large":            {entityOf("user", "x"), []QuotaOp{op("producer_byte_rate", 1e300)}, "Proposed value for producer_byte_rate is too large for a LONG."},
		"a key twice":              {entityOf("user", "x"), []QuotaOp{op("producer_byte_rate", 1), op("producer_byte_rate", 2)}, "Ignoring duplicate entity ClientQuotaEntity(entries={user=x})"},
		"all or nothing of entity": {entityOf("user", "x"), []QuotaOp{op("consumer_byte_rate", 1), op("nonsense", 2)}, "Invalid configuration key nonsense"},
	} {
		records, results := AlterClientQuotas(img, []QuotaAlteration{{c.entity, c.ops}}, checkHost)
		got := fmt.Sprint(len(records))
		if err := results[0].Err; err != nil {
			if !errors.Is(err, ErrInvalidRequest) || len(records) != 0 {
				t.Errorf("%s: %v with %d records", name, err, len(records))
			}
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	records, results := AlterClientQuotas(img, []QuotaAlteration{
		{entityOf("user", "y"), []QuotaOp{op("producer_byte_rate", 1)}},
		{entityOf("user", "z"), []QuotaOp{op("producer_byte_rate", 1)}},
		{entityOf("user", "y"), []QuotaOp{op("producer_byte_rate", 2)}},
	}, checkHost)
	if len(records) != 2 || len(results) != 2 || !errors.Is(results[0].Err, ErrInvalidRequest) || results[1].Err != nil {
		t.Errorf("an entity twice: %v %v", records, results)
	}
}

// Only hosts of alterations that are valid otherwise are asked for, in order.
func TestQuotaHosts(t *testing.T) {
	var asked []string
	checkHost := func(name string) error {
		asked = append(asked, name)
		return nil
	}
	rate := []QuotaOp{{Key: "connection_creation_rate", Value: 1}}
	AlterClientQuotas(new(Image), []QuotaAlteration{
		{entityOf("ip", "b"), rate},
		{entityOf("ip", "bad-key"), []QuotaOp{{Key: "nonsense", Value: 1}}},
		{entityOf("ip", "bad-value"), []QuotaOp{{Key: "connection_creation_rate", Value: -1}}},
		{entityOf("ip", "with-user", "user", "x"), rate},
		{entityOf("ip", "default"), rate},
		{entityOf("ip", ""), rate},
		{entityOf("ip", "a"), rate},
		{entityOf("ip", "b"), rate},
		{entityOf("user", "x"), []QuotaOp{{Key: "producer_byte_rate", Value: 1}}},
	}, checkHost)
	if got := strings.Join(asked, " "); got != "b a" {
		t.Errorf("asked for %q", got)
	}
}

// Kafka takes NaN as a limit. Setting it again is no change, as with any value.
func TestQuotaNaN(t *testing.T) {
	entity := entityOf("user", "x")
	for _, c := range []struct {
		now, next float64
		want      int
	}{{math.NaN(), math.NaN(), 0}, {math.NaN(), 1, 1}, {1, math.NaN(), 1}, {1, 1, 0}} {
		img := imageOf(t, &ClientQuotaRecord{Entity: entity, Key: "producer_byte_rate", Value: c.now})
		records, results := AlterClientQuotas(img, []QuotaAlteration{{entity, []QuotaOp{{Key: "producer_byte_rate", Value: c.next}}}}, nil)
		if len(records) != c.want || results[0].Err != nil {
			t.Errorf("%v after %v: %d records, %v", c.next, c.now, len(records), results[0].Err)
		}
	}
}
