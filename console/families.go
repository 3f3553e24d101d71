package console

import "sync"

// family is one metric: its name, what it is, and where its samples come from. The
// page docs/metrics.md is made from these tables.
type family struct {
	name, kind string
	labels     []string
	help       string
	collect    func(*Look, *samples)
}

const (
	counter = "counter"
	gauge   = "gauge"
)

// familySet is what is exposed together.
type familySet struct {
	title    string
	isChosen func(*Options) bool // nil is always
	families []family
}

// familySets is made when somebody asks: a start has no use for it.
var familySets = sync.OnceValue(func() []familySet {
	return []familySet{
		{"Kafka's own, by the names of the JMX exporter (`barnabas.metrics.compat=jmx`, the default)", func(o *Options) bool { return o.JMX }, jmxFamilies()},
		{"kafka_exporter's (`barnabas.metrics.compat=kafka_exporter`)", func(o *Options) bool { return o.Exporter }, exporterFamilies()},
		{"The process", nil, processFamilies()},
	}
})

// jmxFamilies are the MBeans of Kafka's documentation, "Monitoring", named by the rules
// that the JMX exporter ships for brokers (examples/kafka-kraft-3_0_0.yml).
func jmxFamilies() []family {
	return append(serverFamilies(), networkFamilies()...)
}

func serverFamilies() []family {
	return []family{
		traffic("messagesin", "Records that producers have written.", func(t Traffic) int64 { return t.MessagesIn }),
		traffic("bytesin", "Bytes of records that producers have written.", func(t Traffic) int64 { return t.BytesIn }),
		traffic("bytesout", "Bytes of records that were sent to consumers.", func(t Traffic) int64 { return t.BytesOut }),
		total("kafka_server_brokertopicmetrics_failedproducerequests_total", "Partitions of Produce requests that were answered with an error.",
			func(l *Look) int64 { return l.FailedProduce }),
		total("kafka_server_brokertopicmetrics_failedfetchrequests_total", "Partitions of Fetch requests that were answered with an error.",
			func(l *Look) int64 { return l.FailedFetch }),
		total("kafka_server_brokertopicmetrics_totalproducerequests_total", "Produce requests.", func(l *Look) int64 { return l.answered("Produce") }),
		total("kafka_server_brokertopicmetrics_totalfetchrequests_total", "Fetch requests.", func(l *Look) int64 { return l.answered("Fetch") }),

		one("kafka_server_replicamanager_partitioncount", "Partitions on this broker.", func(l *Look) int { return l.count(nil) }),
		one("kafka_server_replicamanager_leadercount", "Partitions that this broker leads.",
			func(l *Look) int { return l.count(func(p *Partition) bool { return p.Leader == l.NodeID }) }),
		one("kafka_server_replicamanager_underreplicatedpartitions", "Partitions with fewer replicas in sync than they have.",
			func(l *Look) int { return l.count((*Partition).isUnderReplicated) }),
		one("kafka_server_replicamanager_offlinereplicacount", "Partitions whose log cannot be used.",
			func(l *Look) int { return l.count(func(p *Partition) bool { return p.Offline }) }),
		one("kafka_server_replicamanager_underminisrpartitioncount", "Always 0: no partition is refused for want of replicas that could come back.", func(*Look) int { return 0 }),
		one("kafka_server_replicamanager_reassigningpartitions", "Always 0: with one node nothing moves.", func(*Look) int { return 0 }),
		one("kafka_controller_kafkacontroller_activecontrollercount", "Always 1: the broker is its own controller.", func(*Look) int { return 1 }),
		one("kafka_controller_kafkacontroller_activebrokercount", "Always 1.", func(*Look) int { return 1 }),
		one("kafka_controller_kafkacontroller_fencedbrokercount", "Always 0.", func(*Look) int { return 0 }),
		one("kafka_controller_kafkacontroller_globaltopiccount", "Topics.", func(l *Look) int { return len(l.Topics) }),
		one("kafka_controller_kafkacontroller_globalpartitioncount", "Partitions of all topics.", func(l *Look) int { return l.count(nil) }),
		one("kafka_controller_kafkacontroller_offlinepartitionscount", "Partitions that have no leader, or whose log cannot be used.",
			func(l *Look) int { return l.count(func(p *Partition) bool { return p.Leader < 0 || p.Offline }) }),
		one("kafka_controller_kafkacontroller_preferredreplicaimbalancecount", "Partitions that another replica should lead.",
			func(l *Look) int { return l.count(func(p *Partition) bool { return p.Leader != p.Preferred }) }),
		one("kafka_server_kafkaserver_brokerstate", "Always 3, as long as it is scraped: the broker runs.", func(*Look) int { return 3 }),
	}
}

func networkFamilies() []family {
	return []family{
		perRequest("kafka_network_requestmetrics_requests_total", counter, "Requests, by API.", func(r *Request, s *samples) {
			s.add(float64(r.Lengths.Count), r.API)
		}),
		perRequest("kafka_network_requestmetrics_totaltimems_count", counter, "Requests whose time is in totaltimems.", func(r *Request, s *samples) {
			s.add(float64(r.Lengths.Count), r.API)
		}),
		perRequest("kafka_network_requestmetrics_totaltimems", gauge, "Milliseconds from a whole request to its whole answer, since the start; to a factor of 2.", func(r *Request, s *samples) {
			for _, q := range quantiles {
				s.add(float64(r.Lengths.Quantile(q.share).Microseconds())/1000, r.API, q.name)
			}
		}, "quantile"),

		perPartition("kafka_log_log_size", "Bytes of the partition's log, once it is in use.", (*Partition).size),
		perPartition("kafka_log_log_logstartoffset", "The first offset of the partition's log, once it is in use.", (*Partition).start),
		perPartition("kafka_log_log_logendoffset", "The next offset of the partition's log.", (*Partition).end),

		{"kafka_server_socket_server_metrics_connection_count", gauge, []string{"listener"}, "Open connections.", func(l *Look, s *samples) {
			for _, name := range sortedKeys(l.Connections) {
				s.add(float64(l.Connections[name]), name)
			}
		}},
		one("kafka_network_socketserver_networkprocessoravgidle_percent", "Always 1: there are no such threads to be busy.", func(*Look) int { return 1 }),
		one("kafka_server_kafkarequesthandlerpool_requesthandleravgidle_percent", "Always 1: there are no such threads to be busy.", func(*Look) int { return 1 }),
	}
}

// exporterFamilies are those of danielqsj/kafka_exporter.
func exporterFamilies() []family {
	return []family{
		one("kafka_brokers", "Brokers of the cluster.", func(*Look) int { return 1 }),
		{"kafka_broker_info", gauge, []string{"address", "id"}, "1 for each broker.", func(l *Look, s *samples) { s.add(1, l.Address, number(l.NodeID)) }},
		{"kafka_topic_partitions", gauge, []string{"topic"}, "Partitions of the topic.", func(l *Look, s *samples) {
			for i := range l.Topics {
				s.add(float64(len(l.Topics[i].Partitions)), l.Topics[i].Name)
			}
		}},
		exporterPartition("current_offset", "The next offset that a consumer will be able to read.", (*Partition).high),
		exporterPartition("oldest_offset", "The first offset, once the partition is in use.", (*Partition).start),
		exporterPartition("leader", "The id of the leader.", always(func(p *Partition) float64 { return float64(p.Leader) })),
		exporterPartition("leader_is_preferred", "1 if the leader is the replica that should lead.", always(func(p *Partition) float64 { return oneIf(p.Leader == p.Preferred) })),
		exporterPartition("replicas", "Replicas.", always(func(p *Partition) float64 { return float64(p.Replicas) })),
		exporterPartition("in_sync_replica", "Replicas in sync.", always(func(p *Partition) float64 { return float64(p.InSync) })),
		exporterPartition("under_replicated_partition", "1 if fewer replicas are in sync than there are.", always(func(p *Partition) float64 { return oneIf(p.isUnderReplicated()) })),
		{"kafka_consumergroup_members", gauge, []string{"consumergroup"}, "Members of the group.", func(l *Look, s *samples) {
			for i := range l.Groups {
				s.add(float64(l.Groups[i].Members), l.Groups[i].ID)
			}
		}},
		perCommitted("current_offset", "The offset that the group has committed.", (*Committed).At),
		sumCommitted("current_offset_sum", "The committed offsets of the topic's partitions together.", (*Committed).At),
		perCommitted("lag", "Records behind the committed offset, where the end is known.", (*Committed).Lag),
		sumCommitted("lag_sum", "Records behind the committed offsets of the topic's partitions whose end is known.", (*Committed).Lag),
	}
}
