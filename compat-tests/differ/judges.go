package differ

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/schema"
	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// Judges are the releases of Apache Kafka that say what is right. The first that
// serves a version of an API judges it: what Kafka 4 has dropped is asked of 3.9, and
// what is newer than the newest with patches of the next.
var Judges = []string{oracle.Newest, oracle.Old, oracle.Next}

// Bench is the judges with their schemas, and what the broker under test serves.
type Bench struct {
	catalogs   []*schema.Catalog // as Judges
	advertised map[int16]schema.Range
}

// NewBench asks a broker what it serves. Catalogs are those of the Judges, in order.
func NewBench(catalogs []*schema.Catalog, address string) (*Bench, error) {
	conn, err := wire.Dial(address)
	if err != nil {
		return nil, err
	}
	defer conn.Close() //nolint:errcheck // only read from
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "differ", "1"
	resp, err := conn.Call(req)
	if err != nil {
		return nil, err
	}
	b := &Bench{catalogs: catalogs, advertised: map[int16]schema.Range{}}
	for _, k := range resp.(*kmsg.ApiVersionsResponse).ApiKeys {
		b.advertised[k.ApiKey] = schema.Range{Min: k.MinVersion, Max: k.MaxVersion}
	}
	return b, nil
}

// judgeOf is the index of the judge of a version, -1 if no release has it.
func (b *Bench) judgeOf(key, version int16) int {
	return slices.IndexFunc(b.catalogs, func(c *schema.Catalog) bool {
		known := c.Request(key)
		return known != nil && known.Versions.Has(version)
	})
}

// judges tells whether a judge is the right one for some version of an API.
func (b *Bench) judges(judge int, key int16) bool {
	served, ok := b.advertised[key]
	for v := served.Min; ok && v <= served.Max; v++ {
		if b.judgeOf(key, v) == judge {
			return true
		}
	}
	return false
}

// Due are the versions in which a judge is told the story: those that the broker
// advertises.
func (b *Bench) Due(story Story, judge int) []int16 {
	key := int16(story.Key)
	served, ok := b.advertised[key]
	if !ok {
		return nil
	}
	var out []int16
	for v := served.Min; v <= served.Max; v++ {
		if story.has(v) && b.judgeOf(key, v) == judge {
			out = append(out, v)
		}
	}
	return out
}

// version is one version of one API.
type version struct{ key, version int16 }

// Advertised lists every version that the broker serves.
func (b *Bench) Advertised() []version {
	var all []version
	for key, served := range b.advertised {
		for v := served.Min; v <= served.Max; v++ {
			all = append(all, version{key, v})
		}
	}
	slices.SortFunc(all, func(x, y version) int {
		if x.key != y.key {
			return int(x.key - y.key)
		}
		return int(x.version - y.version)
	})
	return all
}
