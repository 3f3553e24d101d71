package console

import (
	"maps"
	"slices"
)

// The shapes that most families have.

func one(name, help string, value func(*Look) int) family {
	return family{name, gauge, nil, help, func(l *Look, s *samples) { s.add(float64(value(l))) }}
}

func total(name, help string, value func(*Look) int64) family {
	return family{name, counter, nil, help, func(l *Look, s *samples) { s.add(float64(value(l))) }}
}

// traffic has a sample for all topics together and one for each, as Kafka's MBeans.
func traffic(name, help string, of func(Traffic) int64) family {
	return family{
		"kafka_server_brokertopicmetrics_" + name + "_total", counter, []string{"topic"},
		help + " Without the label: of all topics.",
		func(l *Look, s *samples) {
			s.add(float64(of(l.Total)))
			for i := range l.Topics {
				sum := int64(0)
				for j := range l.Topics[i].Partitions {
					sum += of(l.Topics[i].Partitions[j].Traffic)
				}
				s.add(float64(sum), l.Topics[i].Name)
			}
		},
	}
}

// quantiles are those of the JMX exporter's rule for percentiles.
var quantiles = []struct {
	share float64
	name  string
}{{0.5, "0.50"}, {0.75, "0.75"}, {0.95, "0.95"}, {0.98, "0.98"}, {0.99, "0.99"}, {0.999, "0.999"}}

// perRequest has samples for the APIs that were asked at least once.
func perRequest(name, kind, help string, add func(*Request, *samples), more ...string) family {
	return family{name, kind, append([]string{"request"}, more...), help, func(l *Look, s *samples) {
		for i := range l.Requests {
			add(&l.Requests[i], s)
		}
	}}
}

// perPartition has a sample for each partition of which the value is known.
func perPartition(name, help string, value func(*Partition) (value float64, isKnown bool)) family {
	return family{name, gauge, []string{"topic", "partition"}, help, func(l *Look, s *samples) {
		for i := range l.Topics {
			t := &l.Topics[i]
			for j := range t.Partitions {
				if v, isKnown := value(&t.Partitions[j]); isKnown {
					s.add(v, t.Name, number(t.Partitions[j].Index))
				}
			}
		}
	}}
}

func always(value func(*Partition) float64) func(*Partition) (float64, bool) {
	return func(p *Partition) (float64, bool) { return value(p), true }
}

func (p *Partition) start() (float64, bool) { return float64(p.Start), p.Used }
func (p *Partition) size() (float64, bool)  { return float64(p.Bytes), p.Used }
func (p *Partition) high() (float64, bool)  { return float64(p.High), p.High >= 0 }

func (p *Partition) end() (float64, bool) {
	if p.Used {
		return float64(p.End), true
	}
	return p.high() // a log that nobody has open has nothing above
}

func exporterPartition(name, help string, value func(*Partition) (float64, bool)) family {
	return perPartition("kafka_topic_partition_"+name, help, value)
}

// perCommitted has a sample for each committed offset of which the value is known.
func perCommitted(name, help string, value func(*Committed) (value int64, isKnown bool)) family {
	return family{"kafka_consumergroup_" + name, gauge, []string{"consumergroup", "topic", "partition"}, help, func(l *Look, s *samples) {
		for i := range l.Groups {
			g := &l.Groups[i]
			for j := range g.Offsets {
				c := &g.Offsets[j]
				if v, isKnown := value(c); isKnown {
					s.add(float64(v), g.ID, c.Topic, number(c.Partition))
				}
			}
		}
	}}
}

// sumCommitted adds up the partitions of each topic, as far as they are known.
func sumCommitted(name, help string, value func(*Committed) (value int64, isKnown bool)) family {
	return family{"kafka_consumergroup_" + name, gauge, []string{"consumergroup", "topic"}, help, func(l *Look, s *samples) {
		for i := range l.Groups {
			g := &l.Groups[i]
			for first := 0; first < len(g.Offsets); {
				topic, sum, known, end := g.Offsets[first].Topic, int64(0), 0, first
				for ; end < len(g.Offsets) && g.Offsets[end].Topic == topic; end++ {
					if v, isKnown := value(&g.Offsets[end]); isKnown {
						sum, known = sum+v, known+1
					}
				}
				if known > 0 {
					s.add(float64(sum), g.ID, topic)
				}
				first = end
			}
		}
	}}
}

func (p *Partition) isUnderReplicated() bool { return p.InSync < p.Replicas }

// count counts the partitions of which is holds; nil is all.
func (l *Look) count(is func(*Partition) bool) (n int) {
	for i := range l.Topics {
		for j := range l.Topics[i].Partitions {
			if is == nil || is(&l.Topics[i].Partitions[j]) {
				n++
			}
		}
	}
	return n
}

// answered is how many requests of an API there were.
func (l *Look) answered(api string) int64 {
	for i := range l.Requests {
		if l.Requests[i].API == api {
			return l.Requests[i].Lengths.Count
		}
	}
	return 0
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
