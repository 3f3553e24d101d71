package protocol

// CreateTopics, versions 0 to 7, by hand, because tools and tests create thousands of
// topics at once.
//
//	v1    validate only; error messages
//	v2    throttle time
//	v5    flexible; the answer tells partitions, replicas and settings (KIP-525)
//	v7    the answer tells the topic's id

const (
	createTopicsFlexibleFrom = 5
	// createTopicsConfigsFrom is the first version whose answer describes a new topic.
	createTopicsConfigsFrom = 5
	createTopicsIDFrom      = 7
)

// CreateTopicsRequest is a request, decoded in place: its byte slices are parts of the
// frame.
type CreateTopicsRequest struct {
	Topics        []CreatableTopic
	TimeoutMillis int32
	ValidateOnly  bool
}

// CreatableTopic is a topic to create; numbers of -1 ask for the broker's defaults.
type CreatableTopic struct {
	Name              []byte
	Partitions        int32
	ReplicationFactor int16
	Assignments       []CreatableAssignment
	Configs           []CreatableConfig
}

// CreatableAssignment names the brokers of one partition.
type CreatableAssignment struct {
	Partition int32
	Replicas  []int32
}

// CreatableConfig is a setting of a new topic; a nil Value is null.
type CreatableConfig struct{ Name, Value []byte }

// What an element takes in memory, about, for the bound on all of a request.
const (
	creatableTopicBytes      = 96
	creatableAssignmentBytes = 32
	creatableConfigBytes     = 48
)

// DecodeCreateTopics reads a body of at most memoryMax bytes in its decoded form. The
// errors are *Error values.
func DecodeCreateTopics(version int16, body []byte, memoryMax int) (*CreateTopicsRequest, error) {
	r := boundedReader{wireReader: wireReader{b: body, flexible: version >= createTopicsFlexibleFrom}, memory: memoryMax}
	q := new(CreateTopicsRequest)
	// Name, two numbers, two empty arrays and the tagged fields.
	n := r.room(r.count(10), creatableTopicBytes)
	q.Topics = make([]CreatableTopic, n)
	for i := 0; i < n && !r.bad; i++ {
		q.Topics[i].decode(&r)
	}
	q.TimeoutMillis = r.int32()
	if version >= 1 {
		q.ValidateOnly = r.int8() != 0
	}
	r.endTags()
	return q, r.end("CreateTopics", version)
}

func (t *CreatableTopic) decode(r *boundedReader) {
	t.Name = r.string()
	t.Partitions = r.int32()
	t.ReplicationFactor = r.int16()
	if n := r.room(r.count(6), creatableAssignmentBytes); n > 0 {
		t.Assignments = make([]CreatableAssignment, n)
		for i := 0; i < n && !r.bad; i++ {
			t.Assignments[i].decode(r)
		}
	}
	if n := r.room(r.count(3), creatableConfigBytes); n > 0 {
		t.Configs = make([]CreatableConfig, n)
		for i := 0; i < n && !r.bad; i++ {
			t.Configs[i].Name = r.string()
			t.Configs[i].Value, _ = r.nullableString()
			r.endTags()
		}
	}
	r.endTags()
}

func (a *CreatableAssignment) decode(r *boundedReader) {
	a.Partition = r.int32()
	a.Replicas = make([]int32, r.room(r.count(4), 4))
	for i := range a.Replicas {
		a.Replicas[i] = r.int32()
	}
	r.endTags()
}

// DescribesCreatedTopics tells whether the answer has the settings of new topics.
func DescribesCreatedTopics(version int16) bool { return version >= createTopicsConfigsFrom }

// CreatableTopicResult is what became of a topic. Below version 5, and after an error,
// the numbers and Configs do not count.
type CreatableTopicResult struct {
	Name              string
	ID                UUID
	ErrorCode         int16
	ErrorMessage      *string
	Partitions        int32
	ReplicationFactor int16
	// Configs are the settings in the form of AppendCreatedConfig, ConfigCount of them.
	Configs     []byte
	ConfigCount int
	// ConfigErrorCode is why there are no settings, 0 for nothing.
	ConfigErrorCode int16
}

// AppendCreateTopicsStart begins the body of a response, which is followed by the
// topics, each by AppendCreatedTopic, and AppendCreateTopicsEnd.
func AppendCreateTopicsStart(dst []byte, version int16, topics int) []byte {
	w := createTopicsWriter(dst, version)
	if version >= 2 {
		w.int32(0) // the throttle time
	}
	w.count(topics)
	return w.b
}

// AppendCreatedTopic appends a whole topic.
func AppendCreatedTopic(dst []byte, version int16, t *CreatableTopicResult) []byte {
	w := createTopicsWriter(dst, version)
	w.string(t.Name)
	if version >= createTopicsIDFrom {
		w.b = append(w.b, t.ID[:]...)
	}
	w.int16(t.ErrorCode)
	if version >= 1 {
		w.nullableString(t.ErrorMessage)
	}
	if version >= createTopicsConfigsFrom {
		w.int32(t.Partitions)
		w.int16(t.ReplicationFactor)
		w.count(t.ConfigCount)
		w.b = append(w.b, t.Configs...)
	}
	if version >= createTopicsConfigsFrom && t.ConfigErrorCode != 0 {
		w.b = append(w.b, 1, 0, 2) // one tag, number 0, of two bytes
		w.int16(t.ConfigErrorCode)
		return w.b
	}
	w.noTags()
	return w.b
}

// CreatedConfig is a setting of a topic in an answer.
type CreatedConfig struct {
	Name      string
	Value     *string // nil is null
	ReadOnly  bool
	Source    int8
	Sensitive bool
}

// AppendCreatedConfig appends a setting in the form of every version that has them.
func AppendCreatedConfig(dst []byte, c *CreatedConfig) []byte {
	w := createTopicsWriter(dst, createTopicsConfigsFrom)
	w.string(c.Name)
	w.nullableString(c.Value)
	w.bool(c.ReadOnly)
	w.b = append(w.b, byte(c.Source))
	w.bool(c.Sensitive)
	w.noTags()
	return w.b
}

// AppendCreateTopicsEnd ends the body of a response.
func AppendCreateTopicsEnd(dst []byte, version int16) []byte {
	w := createTopicsWriter(dst, version)
	w.noTags()
	return w.b
}

func createTopicsWriter(dst []byte, version int16) wireWriter {
	return wireWriter{b: dst, flexible: version >= createTopicsFlexibleFrom}
}
