package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Topic is a topic that the broker makes by itself.
type Topic struct {
	Name       string
	Partitions int               // 0 is num.partitions
	Configs    map[string]string // as in kafka-topics.sh --config
}

// Option is a choice of Start.
type Option func(*start)

// start is what the options of Start make.
type start struct {
	input   config.Input
	options Options
	cleanup func()
	err     error
}

// InMemory keeps the data in memory; it is what Start does unless it is told otherwise.
func InMemory() Option { return func(s *start) { s.input.Data = config.MemoryDir } }

// InDir keeps the data in a directory, which may hold those of an earlier broker.
func InDir(dir string) Option { return func(s *start) { s.input.Data = dir } }

// InTempDir keeps the data in a new directory, which Close removes.
func InTempDir() Option {
	return func(s *start) {
		dir, err := os.MkdirTemp("", "barnabas-")
		if err != nil {
			s.err = errors.Join(s.err, fmt.Errorf("making a directory for the data: %w", err))
			return
		}
		s.input.Data = dir
		s.cleanup = func() { _ = os.RemoveAll(dir) } // what is left lies where the system cleans up
	}
}

// ListenOn has the broker listen on addresses of the form host:port. Without it, it
// takes a free port of 127.0.0.1.
func ListenOn(addresses ...string) Option {
	return func(s *start) { s.input.Listen = addresses }
}

// WithPersona shows clients the versions and features of a release of Kafka, kafka-3.9
// for instance; see the setting barnabas.persona.
func WithPersona(name string) Option { return WithSetting("barnabas.persona", name) }

// WithProfile replaces the defaults, which are those of dev.
func WithProfile(name string) Option { return func(s *start) { s.input.Profile = name } }

// WithSetting sets one of the settings of server.properties.
func WithSetting(name, value string) Option {
	return func(s *start) { s.input.Overrides = append(s.input.Overrides, name+"="+value) }
}

// WithTopic makes a topic before the first client is served; 0 partitions are
// num.partitions. A Reset makes it again.
func WithTopic(name string, partitions int) Option {
	return WithTopics(Topic{Name: name, Partitions: partitions})
}

// WithTopics is WithTopic for topics with settings of their own.
func WithTopics(topics ...Topic) Option {
	return func(s *start) { s.options.Topics = append(s.options.Topics, topics...) }
}

// WithLogger takes the broker's log, which is silent otherwise.
func WithLogger(l *slog.Logger) Option { return func(s *start) { s.options.Log = l } }

// Start runs a broker in this process: on a free port of 127.0.0.1, in memory, with
// the profile dev, unless options say otherwise. It serves when Start returns; Stop
// or Close ends it and leaves nothing behind.
//
// A program may have as many as it likes. They share nothing, read no environment, take
// no signals and leave the garbage collector alone. With a ctx that has ended nothing is
// started; how long a start or the broker lives is not its business.
func Start(ctx context.Context, opts ...Option) (*Broker, error) {
	s := start{input: config.Input{Listen: []string{"127.0.0.1:0"}, Data: config.MemoryDir, Profile: "dev"}}
	for _, o := range opts {
		o(&s)
	}
	err := errors.Join(s.err, ctx.Err())
	var b *Broker
	if err == nil {
		if s.options.Settings, err = config.Load(s.input); err == nil {
			b, err = Open(s.options)
		}
	}
	if err != nil {
		if s.cleanup != nil {
			s.cleanup()
		}
		return nil, err
	}
	b.whenClosed = s.cleanup
	return b, nil
}

// createTopics makes those of Options.Topics that are not there.
func (b *Broker) createTopics() error {
	settings := b.settings.Load()
	for _, t := range b.opts.Topics {
		topic := metadata.NewTopic{Name: t.Name, Partitions: int32(t.Partitions), ReplicationFactor: 1}
		if t.Partitions == 0 {
			topic.Partitions = int32(settings.NumPartitions)
		}
		if err := settings.ValidateTopic(t.Configs); err != nil {
			return &SettingsError{fmt.Errorf("the topic %s: %w", t.Name, err)}
		}
		for _, name := range slices.Sorted(maps.Keys(t.Configs)) {
			topic.Configs = append(topic.Configs, metadata.ConfigEntry{Name: name, Value: t.Configs[name]})
		}
		var refused error
		_, err := b.metadata.Propose(context.Background(), func(image *metadata.Image) ([]metadata.Record, error) {
			records, results, err := metadata.CreateTopics(image, []metadata.NewTopic{topic}, metadata.CreateOptions{NewID: protocol.NewUUID})
			if refused = err; err == nil {
				refused = results[0].Err
			}
			return records, err
		})
		if refused != nil && !errors.Is(refused, metadata.ErrTopicExists) {
			return &SettingsError{fmt.Errorf("the topic %s cannot be made: %w", t.Name, refused)}
		}
		if err != nil { // of the journal: no setting is to blame
			return fmt.Errorf("making the topic %s: %w", t.Name, err)
		}
	}
	return nil
}
