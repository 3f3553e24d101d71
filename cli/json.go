package cli

// The types that --json prints. docs/cli.md lists their fields with the words of `about`;
// a field may be added, but neither renamed nor taken away.

// Outcome is what came of one thing that was to be changed.
type Outcome struct {
	Name  string `json:"name" about:"the topic, group, ... that was to be changed"`
	Done  string `json:"done,omitempty" about:"what was done: created, altered, deleted, exists, missing"`
	Error string `json:"error,omitempty" about:"why it was not done"`
}

// Topic is a line of topics list.
type Topic struct {
	Name       string `json:"name" about:"name of the topic"`
	ID         string `json:"id" about:"id of the topic, as Kafka writes it"`
	Internal   bool   `json:"internal" about:"whether it is the broker's own"`
	Partitions int    `json:"partitions" about:"how many partitions it has"`
	Replicas   int    `json:"replicas" about:"how many replicas each partition has"`
}

// TopicDetail is what topics describe knows of a topic.
type TopicDetail struct {
	Name       string            `json:"name" about:"name of the topic"`
	ID         string            `json:"id" about:"id of the topic"`
	Internal   bool              `json:"internal" about:"whether it is the broker's own"`
	Configs    map[string]string `json:"configs" about:"the settings that differ from the defaults"`
	Partitions []Partition       `json:"partitions" about:"its partitions, by number"`
}

// Partition of a topic.
type Partition struct {
	Partition int32   `json:"partition" about:"number of the partition"`
	Leader    int32   `json:"leader" about:"id of the broker that leads it; -1 for none"`
	Replicas  []int32 `json:"replicas" about:"ids of the brokers that keep it"`
	ISR       []int32 `json:"isr" about:"those of them that are in sync"`
	Start     int64   `json:"start_offset" about:"offset of the oldest record; -1 when unknown"`
	End       int64   `json:"end_offset" about:"offset that the next record will have; -1 when unknown"`
}

// Group is a line of groups list.
type Group struct {
	Name     string `json:"name" about:"id of the group"`
	Type     string `json:"type" about:"classic, consumer, share or streams; empty when the broker is too old to tell"`
	Protocol string `json:"protocol_type" about:"consumer, connect, ...; empty when it never had members"`
	State    string `json:"state" about:"Empty, Stable, PreparingRebalance, ..."`
}

// GroupDetail is what groups describe knows of a group.
type GroupDetail struct {
	Name     string        `json:"name" about:"id of the group"`
	State    string        `json:"state" about:"Empty, Stable, PreparingRebalance, ..."`
	Assignor string        `json:"assignor" about:"who distributes the partitions; may be empty"`
	Members  []GroupMember `json:"members" about:"its members"`
	Lag      int64         `json:"lag" about:"records that the group has not read yet, in all partitions with an offset"`
	Offsets  []GroupOffset `json:"offsets" about:"the partitions that it has offsets of or has assigned"`
}

// GroupMember is a member of a group.
type GroupMember struct {
	ID         string   `json:"id" about:"id of the member"`
	InstanceID string   `json:"instance_id,omitempty" about:"group.instance.id, if it has one"`
	ClientID   string   `json:"client_id" about:"client.id"`
	Host       string   `json:"host" about:"where it connects from"`
	Partitions []string `json:"partitions" about:"what it has assigned, TOPIC-NUMBER"`
}

// GroupOffset is how far a group is in a partition.
type GroupOffset struct {
	Topic     string `json:"topic" about:"the topic"`
	Partition int32  `json:"partition" about:"number of the partition"`
	Committed *int64 `json:"committed" about:"the offset that was committed, or null"`
	End       int64  `json:"end_offset" about:"offset that the next record will have"`
	Lag       *int64 `json:"lag" about:"records not read yet, or null without an offset"`
	Member    string `json:"member,omitempty" about:"id of the member that has it assigned"`
}

// GroupLag is a line of groups lag.
type GroupLag struct {
	Name  string `json:"name" about:"id of the group"`
	State string `json:"state" about:"Empty, Stable, ..."`
	Lag   int64  `json:"lag" about:"records not read yet, in all partitions with an offset"`
}

// Reset is what groups reset-offsets plans or does.
type Reset struct {
	Name     string        `json:"name" about:"id of the group"`
	Executed bool          `json:"executed" about:"whether it was done, or only planned"`
	Offsets  []ResetOffset `json:"offsets" about:"the partitions"`
}

// ResetOffset is where a group goes in a partition.
type ResetOffset struct {
	Topic     string `json:"topic" about:"the topic"`
	Partition int32  `json:"partition" about:"number of the partition"`
	From      *int64 `json:"from" about:"the offset before, or null"`
	To        int64  `json:"to" about:"the new offset"`
}

// Setting is a line of configs get.
type Setting struct {
	Name      string  `json:"name" about:"name of the setting"`
	Value     *string `json:"value" about:"its value, or null when it is secret"`
	Source    string  `json:"source" about:"where it comes from: DEFAULT_CONFIG, DYNAMIC_TOPIC_CONFIG, ..."`
	ReadOnly  bool    `json:"read_only" about:"whether it can be changed only by a restart"`
	Sensitive bool    `json:"sensitive" about:"whether it is secret"`
}

// Produced is what produce did.
type Produced struct {
	Topic   string  `json:"topic" about:"the topic"`
	Records int64   `json:"records" about:"records that the broker has acknowledged"`
	Bytes   int64   `json:"bytes" about:"bytes of their keys and values"`
	Seconds float64 `json:"seconds" about:"how long it took"`
}

// Record is a line of consume.
type Record struct {
	Topic     string   `json:"topic" about:"the topic"`
	Partition int32    `json:"partition" about:"number of the partition"`
	Offset    int64    `json:"offset" about:"offset in the partition"`
	Timestamp int64    `json:"timestamp" about:"milliseconds since 1970"`
	Key       *string  `json:"key" about:"the key, or null"`
	Value     *string  `json:"value" about:"the value, or null"`
	Headers   []Header `json:"headers" about:"the headers, in their order"`
	Base64    bool     `json:"base64,omitempty" about:"whether keys and values, those of headers too, are in base64, because one is no UTF-8"`
}

// Header of a record.
type Header struct {
	Key   string  `json:"key" about:"name of the header"`
	Value *string `json:"value" about:"its value, or null"`
}

// Cluster is what cluster info knows.
type Cluster struct {
	ID         string   `json:"cluster_id" about:"id of the cluster"`
	Controller int32    `json:"controller" about:"id of the controller; -1 for none"`
	Topics     int      `json:"topics" about:"how many topics there are, without internal ones"`
	Partitions int      `json:"partitions" about:"how many partitions those have"`
	Brokers    []Broker `json:"brokers" about:"the brokers"`
}

// Broker of a cluster.
type Broker struct {
	ID   int32  `json:"id" about:"id of the broker"`
	Host string `json:"host" about:"host that clients are told"`
	Port int32  `json:"port" about:"port that clients are told"`
	Rack string `json:"rack,omitempty" about:"rack, if it has one"`
}

// Health is what cluster health finds.
type Health struct {
	Healthy         bool     `json:"healthy" about:"whether all partitions have leaders and replicas"`
	Brokers         int      `json:"brokers" about:"how many brokers there are"`
	Leaderless      []string `json:"leaderless" about:"partitions without a leader, TOPIC-NUMBER"`
	UnderReplicated []string `json:"under_replicated" about:"partitions with fewer replicas in sync than they have, TOPIC-NUMBER"`
}
