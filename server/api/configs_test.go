package api

import (
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

const (
	kindTopic   = kmsg.ConfigResourceTypeTopic
	kindBroker  = kmsg.ConfigResourceTypeBroker
	kindLogger  = kmsg.ConfigResourceTypeBrokerLogger
	kindMetrics = kmsg.ConfigResourceTypeClientMetrics
	kindGroup   = kmsg.ConfigResourceTypeGroupConfig
)

func askConfigs(w *world, version int16, kind kmsg.ConfigResourceType, name string, keys ...string) kmsg.DescribeConfigsResponseResource {
	w.t.Helper()
	q := kmsg.NewPtrDescribeConfigsRequest()
	q.IncludeSynonyms, q.IncludeDocumentation = true, true
	q.Resources = []kmsg.DescribeConfigsRequestResource{{ResourceType: kind, ResourceName: name, ConfigNames: keys}}
	return ask[*kmsg.DescribeConfigsResponse](w, version, q).Resources[0]
}

// value is a setting as it is described, or "-" when it is not.
func value(w *world, kind kmsg.ConfigResourceType, name, key string) string {
	w.t.Helper()
	p := askConfigs(w, 4, kind, name, key)
	if len(p.Configs) != 1 {
		return "-"
	}
	return text(p.Configs[0].Value)
}

// step is one operation of an incremental change.
type step struct {
	op    kmsg.IncrementalAlterConfigOp
	key   string
	value string
}

func stepsOf(kind kmsg.ConfigResourceType, name string, steps ...step) kmsg.IncrementalAlterConfigsRequestResource {
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kind, name
	for i := range steps {
		c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		c.Op, c.Name = steps[i].op, steps[i].key
		if steps[i].value != "null" && steps[i].op != kmsg.IncrementalAlterConfigOpDelete {
			c.Value = &steps[i].value
		}
		r.Configs = append(r.Configs, c)
	}
	return r
}

const (
	set      = kmsg.IncrementalAlterConfigOpSet
	remove   = kmsg.IncrementalAlterConfigOpDelete
	extend   = kmsg.IncrementalAlterConfigOpAppend
	subtract = kmsg.IncrementalAlterConfigOpSubtract
)

func alterSteps(w *world, version int16, validateOnly bool, resources ...kmsg.IncrementalAlterConfigsRequestResource) []kmsg.IncrementalAlterConfigsResponseResource {
	w.t.Helper()
	q := kmsg.NewPtrIncrementalAlterConfigsRequest()
	q.Resources, q.ValidateOnly = resources, validateOnly
	return ask[*kmsg.IncrementalAlterConfigsResponse](w, version, q).Resources
}

// Every version describes a topic's settings; newer ones say more of each.
func TestDescribingATopicsSettings(t *testing.T) {
	w := newWorld(t)
	w.topic("x", 1, "retention.ms", "5000")
	for version := int16(0); version <= 4; version++ {
		p := askConfigs(w, version, kindTopic, "x")
		if p.ErrorCode != 0 || p.ErrorMessage == nil || *p.ErrorMessage != "" || len(p.Configs) < 30 {
			t.Fatalf("version %d: error %d, %d settings", version, p.ErrorCode, len(p.Configs))
		}
		i := slices.IndexFunc(p.Configs, func(c kmsg.DescribeConfigsResponseResourceConfig) bool { return c.Name == "retention.ms" })
		c := p.Configs[i]
		if version == 0 {
			other := p.Configs[(i+1)%len(p.Configs)]
			if text(c.Value) != "5000" || c.IsDefault || !other.IsDefault {
				t.Errorf("version 0: %+v, %+v", c, other)
			}
			continue
		}
		if text(c.Value) != "5000" || c.Source != kmsg.ConfigSourceDynamicTopicConfig || c.ReadOnly || c.IsSensitive {
			t.Errorf("version %d: %+v", version, c)
		}
		if len(c.ConfigSynonyms) != 1 || c.ConfigSynonyms[0].Source != kmsg.ConfigSourceDynamicTopicConfig {
			t.Errorf("version %d: synonyms %+v", version, c.ConfigSynonyms)
		}
		if version >= 3 && (c.ConfigType != kmsg.ConfigTypeLong || text(c.Documentation) == "") {
			t.Errorf("version %d: type %d, documentation %q", version, c.ConfigType, text(c.Documentation))
		}
	}
	if p := askConfigs(w, 4, kindTopic, "x", "retention.ms", "nope"); len(p.Configs) != 1 {
		t.Errorf("by name: %+v", p.Configs)
	}
}

// Synonyms and documentation come only when they are asked for.
func TestDescribingOnlyWhatIsAskedFor(t *testing.T) {
	w := newWorld(t)
	w.topic("x", 1)
	q := kmsg.NewPtrDescribeConfigsRequest()
	q.Resources = []kmsg.DescribeConfigsRequestResource{{ResourceType: kindTopic, ResourceName: "x"}}
	for _, c := range ask[*kmsg.DescribeConfigsResponse](w, 4, q).Resources[0].Configs {
		if len(c.ConfigSynonyms) != 0 || c.Documentation != nil {
			t.Fatalf("%+v", c)
		}
	}
}

func TestDescribingEveryKindOfResource(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		kind  kmsg.ConfigResourceType
		name  string
		code  int16
		least int // settings
	}{
		{kindBroker, "1", 0, 200},
		{kindBroker, "", 0, 1}, // min.insync.replicas, which a new cluster begins with
		{kindBroker, "9", protocol.ErrInvalidRequest.Code, 0},
		{kindBroker, "abc", protocol.ErrInvalidRequest.Code, 0},
		{kindLogger, "1", 0, 1},
		{kindLogger, "", protocol.ErrInvalidRequest.Code, 0},
		{kindLogger, "9", protocol.ErrInvalidRequest.Code, 0},
		{kindMetrics, "m", 0, 3},
		{kindMetrics, "", protocol.ErrInvalidRequest.Code, 0},
		{kindGroup, "g", 0, 5},
		{kindGroup, "", protocol.ErrInvalidRequest.Code, 0},
		{kindTopic, "missing", protocol.ErrUnknownTopicOrPartition.Code, 0},
		{kindTopic, "a b", protocol.ErrInvalidTopicException.Code, 0},
		{0, "x", protocol.ErrInvalidRequest.Code, 0},
		{77, "x", protocol.ErrInvalidRequest.Code, 0},
	} {
		p := askConfigs(w, 4, c.kind, c.name)
		if p.ErrorCode != c.code || len(p.Configs) < c.least || c.code != 0 && len(p.Configs) != 0 {
			t.Errorf("kind %d %q: error %d with %d settings, want %d with at least %d", c.kind, c.name, p.ErrorCode, len(p.Configs), c.code, c.least)
		}
	}
}

// A story of one topic's settings, as Kafka 4.3.1 tells it.
func TestChangingATopicsSettingsStepByStep(t *testing.T) {
	w := newWorld(t)
	w.topic("x", 1)
	for _, c := range []struct {
		step step
		want string // the setting afterwards
	}{
		{step{set, "retention.ms", "5000"}, "5000"},
		{step{remove, "retention.ms", ""}, "604800000"},
		{step{remove, "retention.ms", ""}, "604800000"},
		{step{extend, "cleanup.policy", "compact"}, "delete,compact"},
		{step{extend, "cleanup.policy", "compact"}, "delete,compact"},
		{step{subtract, "cleanup.policy", "delete"}, "compact"},
		{step{subtract, "cleanup.policy", "compact"}, ""},
		{step{remove, "cleanup.policy", ""}, "delete"},
	} {
		p := alterSteps(w, 1, false, stepsOf(kindTopic, "x", c.step))
		if p[0].ErrorCode != 0 || p[0].ErrorMessage != nil {
			t.Fatalf("%+v: error %d %q", c.step, p[0].ErrorCode, text(p[0].ErrorMessage))
		}
		if got := value(w, kindTopic, "x", c.step.key); got != c.want {
			t.Errorf("after %+v: %q, want %q", c.step, got, c.want)
		}
	}
	if n := len(w.store.Image().TopicConfig("x")); n != 0 {
		t.Errorf("%d settings are stored", n)
	}
}

func TestChangesOfSettingsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	w.topic("x", 1)
	request, illegal := protocol.ErrInvalidRequest, protocol.ErrInvalidConfig
	for _, c := range []struct {
		resource kmsg.IncrementalAlterConfigsRequestResource
		code     *protocol.Error
		says     string
	}{
		{stepsOf(kindTopic, "x", step{set, "nope", "1"}), illegal, "Unknown topic config name: nope"},
		{stepsOf(kindTopic, "x", step{set, "retention.ms", "1"}, step{set, "segment.bytes", "x"}), illegal, "segment.bytes"},
		{stepsOf(kindTopic, "x", step{extend, "cleanup.policy", "zzz"}), illegal, "cleanup.policy"},
		{stepsOf(kindTopic, "x", step{extend, "retention.ms", "1"}), illegal, "not LIST"},
		{stepsOf(kindTopic, "x", step{set, "retention.ms", "null"}), request, "Null value"},
		{stepsOf(kindTopic, "x", step{set, "retention.ms", "1"}, step{remove, "retention.ms", ""}), request, "duplicate config keys"},
		{stepsOf(kindTopic, "x", step{9, "retention.ms", "1"}), protocol.ErrUnknownServerError, ""},
		{stepsOf(kindTopic, "missing", step{set, "retention.ms", "1"}), protocol.ErrUnknownTopicOrPartition, "does not exist"},
		{stepsOf(kindTopic, "a b", step{set, "retention.ms", "1"}), protocol.ErrInvalidTopicException, "ASCII"},
		{stepsOf(kindBroker, "1", step{set, "num.partitions", "2"}), request, "dynamically: [num.partitions]"},
		{stepsOf(kindBroker, "", step{set, "listeners", "PLAINTEXT://:1"}), request, "broker id must be specified"},
		{stepsOf(kindBroker, "1", step{set, "log.cleaner.threads", "x"}), request, "log.cleaner.threads"},
		{stepsOf(kindBroker, "9", step{set, "log.cleaner.threads", "1"}), request, "Unexpected broker id"},
		{stepsOf(kindBroker, "abc", step{set, "log.cleaner.threads", "1"}), request, "must be an integer"},
		{stepsOf(kindBroker, "1", step{set, "min.insync.replicas", "2"}), illegal, "while ELR is enabled"},
		{stepsOf(kindBroker, "", step{remove, "min.insync.replicas", ""}), illegal, "while ELR is enabled"},
		{stepsOf(kindLogger, "1", step{set, "root", "debug"}), illegal, "Valid log levels are DEBUG, ERROR"},
		{stepsOf(kindLogger, "1", step{set, "root", "null"}), request, "Null value"},
		{stepsOf(kindLogger, "1", step{remove, "root", ""}), request, "not allowed"},
		{stepsOf(kindLogger, "1", step{9, "root", "INFO"}), protocol.ErrUnknownServerError, ""},
		{stepsOf(kindLogger, "1", step{extend, "nope", "INFO"}), request, "not allowed"},
		{stepsOf(kindLogger, "1", step{set, "root", "INFO"}, step{set, "root", "DEBUG"}), request, "duplicate config keys"},
		{stepsOf(kindLogger, "2", step{set, "root", "INFO"}), request, "Unexpected broker id"},
		// The world of these tests gives its log no level that clients may change.
		{stepsOf(kindLogger, "1", step{set, "root", "DEBUG"}), request, "log level"},
		{stepsOf(kindLogger, "1", step{set, "nope", "DEBUG"}), illegal, "does not exist"},
		{stepsOf(kindMetrics, "", step{set, "interval.ms", "1000"}), request, "empty"},
		{stepsOf(kindMetrics, "m", step{set, "interval.ms", "1"}), request, "interval.ms"},
		{stepsOf(kindMetrics, "m", step{set, "match", "zz=1"}), illegal, "zz=1"},
		{stepsOf(kindGroup, "", step{set, "consumer.session.timeout.ms", "50000"}), request, "not allowed"},
		{stepsOf(kindGroup, "g", step{set, "consumer.session.timeout.ms", "1"}), illegal, "consumer.session.timeout.ms"},
		{stepsOf(0, "x", step{set, "a", "b"}), request, "Unknown resource type 0"},
	} {
		p := alterSteps(w, 1, false, c.resource)
		if p[0].ErrorCode != c.code.Code || !strings.Contains(text(p[0].ErrorMessage), c.says) {
			t.Errorf("%d %q %+v: error %d %q, want %d with %q", c.resource.ResourceType, c.resource.ResourceName,
				c.resource.Configs, p[0].ErrorCode, text(p[0].ErrorMessage), c.code.Code, c.says)
		}
	}
	if n := len(w.store.Image().TopicConfig("x")); n != 0 {
		t.Errorf("%d settings of x are stored", n)
	}
}

// Resources are judged one by one; one that is there twice is refused both times.
func TestChangesOfSeveralResources(t *testing.T) {
	w := newWorld(t)
	w.topic("x", 1)
	w.topic("y", 1)
	change := step{set, "retention.ms", "77"}
	resources := []kmsg.IncrementalAlterConfigsRequestResource{
		stepsOf(kindTopic, "x", change), stepsOf(kindTopic, "x", change), stepsOf(kindTopic, "y", change), stepsOf(kindTopic, "missing", change),
	}
	for _, validateOnly := range []bool{true, false} {
		var codes []int16
		for _, one := range alterSteps(w, 0, validateOnly, resources...) {
			codes = append(codes, one.ErrorCode)
		}
		request := protocol.ErrInvalidRequest.Code
		if want := []int16{request, request, 0, protocol.ErrUnknownTopicOrPartition.Code}; !slices.Equal(codes, want) {
			t.Errorf("errors %d, want %d", codes, want)
		}
		if got, want := value(w, kindTopic, "y", "retention.ms") == "77", !validateOnly; got != want {
			t.Errorf("validate only %t: y was changed: %t", validateOnly, got)
		}
	}
}

// What is altered for brokers, subscriptions and groups holds at once and after a restart.
func TestAlteredSettingsHold(t *testing.T) {
	w := newWorld(t)
	w.topic("x", 1)
	for _, one := range alterSteps(w, 1, false,
		stepsOf(kindBroker, "", step{set, "log.retention.ms", "1234"}),
		stepsOf(kindBroker, "1", step{set, "log.cleaner.threads", "2"}),
		stepsOf(kindMetrics, "m", step{set, "interval.ms", "1000"}),
		stepsOf(kindGroup, "g", step{set, "consumer.session.timeout.ms", "50000"}),
	) {
		if one.ErrorCode != 0 {
			t.Errorf("%d %q: error %d %q", one.ResourceType, one.ResourceName, one.ErrorCode, text(one.ErrorMessage))
		}
	}
	for range 2 {
		for _, c := range []struct {
			kind            kmsg.ConfigResourceType
			name, key, want string
		}{
			{kindTopic, "x", "retention.ms", "1234"},
			{kindBroker, "", "log.retention.ms", "1234"},
			{kindBroker, "1", "log.cleaner.threads", "2"},
			{kindMetrics, "m", "interval.ms", "1000"},
			{kindGroup, "g", "consumer.session.timeout.ms", "50000"},
		} {
			if got := value(w, c.kind, c.name, c.key); got != c.want {
				t.Errorf("%d %q %s: %q, want %q", c.kind, c.name, c.key, got, c.want)
			}
		}
		w.restart()
	}
}

func alterAll(w *world, version int16, validateOnly bool, kind kmsg.ConfigResourceType, name string, configs ...string) kmsg.AlterConfigsResponseResource {
	w.t.Helper()
	r := kmsg.NewAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kind, name
	for i := 0; i < len(configs); i += 2 {
		r.Configs = append(r.Configs, kmsg.AlterConfigsRequestResourceConfig{Name: configs[i], Value: &configs[i+1]})
	}
	q := kmsg.NewPtrAlterConfigsRequest()
	q.Resources, q.ValidateOnly = []kmsg.AlterConfigsRequestResource{r}, validateOnly
	return ask[*kmsg.AlterConfigsResponse](w, version, q).Resources[0]
}

// The old call replaces everything that was set.
func TestReplacingATopicsSettings(t *testing.T) {
	w := newWorld(t)
	w.topic("x", 1, "retention.ms", "5000")
	for version := int16(0); version <= 2; version++ {
		if p := alterAll(w, version, false, kindTopic, "x", "retention.bytes", "100"); p.ErrorCode != 0 {
			t.Fatalf("version %d: %+v", version, p)
		}
	}
	if a, b := value(w, kindTopic, "x", "retention.bytes"), value(w, kindTopic, "x", "retention.ms"); a != "100" || b != "604800000" {
		t.Errorf("retention.bytes %s, retention.ms %s", a, b)
	}
	for name, c := range map[string]struct {
		p    kmsg.AlterConfigsResponseResource
		code int16
	}{
		"only validated": {alterAll(w, 2, true, kindTopic, "x"), 0},
		"illegal":        {alterAll(w, 2, false, kindTopic, "x", "retention.ms", "x"), protocol.ErrInvalidConfig.Code},
		"twice":          {alterAll(w, 2, false, kindTopic, "x", "retention.ms", "1", "retention.ms", "2"), protocol.ErrInvalidRequest.Code},
		"missing":        {alterAll(w, 2, false, kindTopic, "missing"), protocol.ErrUnknownTopicOrPartition.Code},
		"a logger":       {alterAll(w, 2, false, kindLogger, "1", "root", "INFO"), protocol.ErrInvalidRequest.Code},
	} {
		if c.p.ErrorCode != c.code {
			t.Errorf("%s: error %d %q, want %d", name, c.p.ErrorCode, text(c.p.ErrorMessage), c.code)
		}
	}
	if got := value(w, kindTopic, "x", "retention.bytes"); got != "100" {
		t.Errorf("retention.bytes is %s after what was refused", got)
	}
}

func TestListingWhatHasSettings(t *testing.T) {
	w := newWorld(t)
	w.topic("x", 1)
	w.topic("y", 1)
	alterSteps(w, 1, false, stepsOf(kindMetrics, "m", step{set, "interval.ms", "1000"}),
		stepsOf(kindGroup, "g", step{set, "consumer.session.timeout.ms", "50000"}))
	list := func(version int16, kinds ...int8) (names []string, code int16) {
		q := kmsg.NewPtrListConfigResourcesRequest()
		q.ResourceTypes = kinds
		p := ask[*kmsg.ListConfigResourcesResponse](w, version, q)
		for _, r := range p.ConfigResources {
			names = append(names, r.Name)
		}
		return names, p.ErrorCode
	}
	for _, c := range []struct {
		version int16
		kinds   []int8
		names   []string
		code    int16
	}{
		{0, nil, []string{"m"}, 0},
		{1, nil, []string{"g", "m", "1", "1", "x", "y"}, 0},
		{1, []int8{2, 2}, []string{"x", "y"}, 0},
		{1, []int8{32, 4}, []string{"g", "1"}, 0},
		{1, []int8{2, 77}, nil, protocol.ErrUnsupportedVersion.Code},
		{1, []int8{0}, nil, protocol.ErrUnsupportedVersion.Code},
	} {
		if names, code := list(c.version, c.kinds...); code != c.code || !slices.Equal(names, c.names) {
			t.Errorf("version %d, kinds %d: error %d, %q; want %d, %q", c.version, c.kinds, code, names, c.code, c.names)
		}
	}
}

// A few bytes of request must not become as many copies of all settings.
func TestDescribeConfigsAnswersOnceForAResource(t *testing.T) {
	w := newWorld(t)
	q := kmsg.NewPtrDescribeConfigsRequest()
	for range 3 {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeBroker, "1"
		q.Resources = append(q.Resources, r)
	}
	if n := len(ask[*kmsg.DescribeConfigsResponse](w, 4, q).Resources); n != 1 {
		t.Fatalf("one broker asked for three times is described %d times", n)
	}
}
