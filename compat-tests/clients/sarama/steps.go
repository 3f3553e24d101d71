package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/barnabas-mq/barnabas/compat-tests/clients/program"
)

// outcome is what the sender does with a record's.
type outcome struct {
	acked  func(partition int32, offset int64)
	failed func(error)
}

func (c *client) Open(_ context.Context, o program.Options) (err error) {
	config := newConfig()
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Net.MaxOpenRequests = 1
	config.Producer.Return.Successes = true
	config.Producer.Retry.Max = 1000
	config.Producer.Retry.Backoff = 50 * time.Millisecond
	config.Metadata.Retry.Max = 1000
	config.Metadata.Retry.Backoff = 50 * time.Millisecond
	if c.sender, err = sarama.NewAsyncProducer([]string{o.Bootstrap}, config); err != nil {
		return err
	}
	c.outcomes.Go(func() {
		for m := range c.sender.Successes() {
			m.Metadata.(outcome).acked(m.Partition, m.Offset)
			c.open.Done()
		}
	})
	c.outcomes.Go(func() {
		for e := range c.sender.Errors() {
			e.Msg.Metadata.(outcome).failed(e.Err)
			c.open.Done()
		}
	})
	c.topic = o.Topic
	return nil
}

func (c *client) Send(_ context.Context, r program.Record, acked func(int32, int64), failed func(error)) error {
	message := unsent(c.topic, r)
	message.Metadata = outcome{acked, failed}
	c.open.Add(1)
	c.sender.Input() <- message
	return nil
}

// Close waits before it closes: a closing producer refuses what it has to send again.
func (c *client) Close(context.Context) error {
	c.open.Wait()
	c.sender.AsyncClose()
	c.outcomes.Wait()
	return nil
}

func (c *client) Admin(_ context.Context, o program.Options, command program.Command) (answer program.Answer, err error) {
	if c.admin == nil {
		config := newConfig()
		config.Version = sarama.V2_4_0_0 // the first with incremental changes of settings
		if c.admin, err = sarama.NewClusterAdmin([]string{o.Bootstrap}, config); err != nil {
			return answer, err
		}
	}
	topic := command.Topic
	switch command.Do {
	case "create":
		err = c.admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: int32(command.Count), ReplicationFactor: 1}, false)
	case "topics":
		topics, failed := c.admin.ListTopics()
		answer.Names, err = slices.Collect(maps.Keys(topics)), failed
	case "describe":
		topics, failed := c.admin.DescribeTopics([]string{topic})
		if err = failed; err == nil {
			answer.Count = len(topics[0].Partitions)
		}
	case "partitions":
		err = c.admin.CreatePartitions(topic, int32(command.Count), nil, false)
	case "alter":
		entries := map[string]sarama.IncrementalAlterConfigsEntry{
			command.Name: {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &command.Value},
		}
		err = c.admin.IncrementalAlterConfig(sarama.TopicResource, topic, entries, false)
	case "config":
		entries, failed := c.admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{command.Name}})
		if err = failed; err == nil {
			answer.Text = entries[0].Value
		}
	case "delete-records":
		err = c.admin.DeleteRecords(topic, map[int32]int64{command.Partition: command.Before})
	case "groups":
		groups, failed := c.admin.ListConsumerGroups()
		answer.Names, err = slices.Collect(maps.Keys(groups)), failed
	case "offsets":
		answer.Offsets, err = c.offsets(command)
	case "delete-group":
		err = c.admin.DeleteConsumerGroup(command.Group)
	case "delete":
		err = c.admin.DeleteTopic(topic)
	default:
		err = fmt.Errorf("unknown command %q", command.Do)
	}
	return answer, err
}

func (c *client) offsets(command program.Command) (map[int32]int64, error) {
	response, err := c.admin.ListConsumerGroupOffsets(command.Group, nil)
	if err != nil {
		return nil, err
	}
	offsets := map[int32]int64{}
	for partition, block := range response.Blocks[command.Topic] {
		offsets[partition] = block.Offset
	}
	return offsets, nil
}
