package main

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/barnabas-mq/barnabas/compat-tests/clients/program"
)

// outcome is what the sender does with a record's.
type outcome struct {
	acked  func(partition int32, offset int64)
	failed func(error)
}

// Open makes a writer that does not wait, and tells of the outcome of each batch.
func (c *client) Open(_ context.Context, o program.Options) error {
	c.sender = &kafka.Writer{
		Addr: kafka.TCP(o.Bootstrap), Topic: o.Topic, Balancer: &kafka.Hash{}, RequiredAcks: kafka.RequireAll,
		BatchTimeout: 10 * time.Millisecond, MaxAttempts: 1000, WriteBackoffMax: 50 * time.Millisecond, Async: true,
		Completion: func(messages []kafka.Message, err error) {
			for _, m := range messages {
				outcome := m.WriterData.(outcome)
				if err != nil {
					outcome.failed(err)
					continue
				}
				outcome.acked(int32(m.Partition), m.Offset)
			}
		},
	}
	return nil
}

func (c *client) Send(ctx context.Context, r program.Record, acked func(int32, int64), failed func(error)) error {
	message := unsent(r)
	message.WriterData = outcome{acked, failed}
	return c.sender.WriteMessages(ctx, message)
}

func (c *client) Close(context.Context) error { return c.sender.Close() }

func (*client) Admin(ctx context.Context, o program.Options, c program.Command) (answer program.Answer, err error) {
	admin := &kafka.Client{Addr: kafka.TCP(o.Bootstrap)}
	switch c.Do {
	case "create":
		err = (*client).Create(nil, ctx, program.Options{Bootstrap: o.Bootstrap, Topic: c.Topic, Partitions: c.Count})
	case "topics":
		metadata, failed := admin.Metadata(ctx, &kafka.MetadataRequest{})
		if err = failed; err == nil {
			for _, topic := range metadata.Topics {
				answer.Names = append(answer.Names, topic.Name)
			}
		}
	case "describe":
		metadata, failed := admin.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{c.Topic}})
		if err = failed; err == nil {
			answer.Count, err = len(metadata.Topics[0].Partitions), metadata.Topics[0].Error
		}
	case "partitions":
		created, failed := admin.CreatePartitions(ctx, &kafka.CreatePartitionsRequest{
			Topics: []kafka.TopicPartitionsConfig{{Name: c.Topic, Count: int32(c.Count)}},
		})
		if err = failed; err == nil {
			err = created.Errors[c.Topic]
		}
	case "alter":
		err = alter(ctx, admin, c)
	case "config":
		described, failed := admin.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{
			{ResourceType: kafka.ResourceTypeTopic, ResourceName: c.Topic, ConfigNames: []string{c.Name}},
		}})
		if err = failed; err == nil {
			answer.Text, err = described.Resources[0].ConfigEntries[0].ConfigValue, described.Resources[0].Error
		}
	case "groups":
		listed, failed := admin.ListGroups(ctx, &kafka.ListGroupsRequest{})
		if err = failed; err == nil {
			for _, group := range listed.Groups {
				answer.Names = append(answer.Names, group.GroupID)
			}
		}
	case "offsets":
		answer.Offsets, err = offsets(ctx, admin, c)
	case "delete-group":
		deleted, failed := admin.DeleteGroups(ctx, &kafka.DeleteGroupsRequest{GroupIDs: []string{c.Group}})
		if err = failed; err == nil {
			err = deleted.Errors[c.Group]
		}
	case "delete":
		deleted, failed := admin.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{c.Topic}})
		if err = failed; err == nil {
			err = deleted.Errors[c.Topic]
		}
	default:
		err = fmt.Errorf("unknown command %q", c.Do)
	}
	return answer, err
}

func alter(ctx context.Context, admin *kafka.Client, c program.Command) error {
	altered, err := admin.IncrementalAlterConfigs(ctx, &kafka.IncrementalAlterConfigsRequest{
		Resources: []kafka.IncrementalAlterConfigsRequestResource{{
			ResourceType: kafka.ResourceTypeTopic, ResourceName: c.Topic,
			Configs: []kafka.IncrementalAlterConfigsRequestConfig{{Name: c.Name, Value: c.Value, ConfigOperation: kafka.ConfigOperationSet}},
		}},
	})
	if err != nil {
		return err
	}
	return altered.Resources[0].Error
}

// offsets asks for those of partition 0: the library wants the partitions named.
func offsets(ctx context.Context, admin *kafka.Client, c program.Command) (map[int32]int64, error) {
	fetched, err := admin.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: c.Group, Topics: map[string][]int{c.Topic: {0}}})
	if err == nil {
		err = fetched.Error
	}
	if err != nil {
		return nil, err
	}
	offsets := map[int32]int64{}
	for _, p := range fetched.Topics[c.Topic] {
		offsets[int32(p.Partition)] = p.CommittedOffset
	}
	return offsets, nil
}
