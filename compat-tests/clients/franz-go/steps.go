package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/clients/program"
)

func (f *franz) Open(_ context.Context, o program.Options) (err error) {
	f.sender, err = kgo.NewClient(kgo.SeedBrokers(o.Bootstrap), kgo.DefaultProduceTopic(o.Topic))
	return err
}

func (f *franz) Send(ctx context.Context, r program.Record, acked func(int32, int64), failed func(error)) error {
	f.sender.Produce(ctx, unsent(r), func(r *kgo.Record, err error) {
		if err != nil {
			failed(err)
			return
		}
		acked(r.Partition, r.Offset)
	})
	return nil
}

func (f *franz) Close(ctx context.Context) error {
	defer f.sender.Close()
	return f.sender.Flush(ctx)
}

func (f *franz) Admin(ctx context.Context, o program.Options, c program.Command) (answer program.Answer, err error) {
	if f.admin == nil {
		if f.admin, err = kadm.NewOptClient(kgo.SeedBrokers(o.Bootstrap)); err != nil {
			return answer, err
		}
	}
	switch c.Do {
	case "create":
		_, err = f.admin.CreateTopic(ctx, int32(c.Count), 1, nil, c.Topic)
	case "topics":
		topics, failed := f.admin.ListTopics(ctx)
		answer.Names, err = topics.Names(), failed
	case "describe":
		topics, failed := f.admin.ListTopics(ctx, c.Topic)
		answer.Count, err = len(topics[c.Topic].Partitions), failed
	case "partitions":
		changed, failed := f.admin.UpdatePartitions(ctx, c.Count, c.Topic)
		if err = failed; err == nil {
			err = changed.Error()
		}
	case "alter":
		altered, failed := f.admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Name: c.Name, Value: &c.Value}}, c.Topic)
		if err = failed; err == nil {
			err = altered[0].Err
		}
	case "config":
		answer.Text, err = f.config(ctx, c)
	case "delete-records":
		var before kadm.Offsets
		before.AddOffset(c.Topic, c.Partition, c.Before, -1)
		deleted, failed := f.admin.DeleteRecords(ctx, before)
		if err = failed; err == nil {
			err = deleted.Error()
		}
	case "groups":
		groups, failed := f.admin.ListGroups(ctx)
		answer.Names, err = groups.Groups(), failed
	case "offsets":
		offsets, failed := f.admin.FetchOffsets(ctx, c.Group)
		answer.Offsets, err = map[int32]int64{}, failed
		for partition, response := range offsets[c.Topic] {
			answer.Offsets[partition] = response.At
		}
	case "delete-group":
		_, err = f.admin.DeleteGroup(ctx, c.Group)
	case "delete":
		_, err = f.admin.DeleteTopic(ctx, c.Topic)
	default:
		err = fmt.Errorf("unknown command %q", c.Do)
	}
	return answer, err
}

func (f *franz) config(ctx context.Context, c program.Command) (string, error) {
	described, err := f.admin.DescribeTopicConfigs(ctx, c.Topic)
	if err == nil {
		err = described[0].Err
	}
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(described[0].Configs, func(config kadm.Config) bool { return config.Key == c.Name })
	if i < 0 {
		return "", kerr.InvalidConfig
	}
	return described[0].Configs[i].MaybeValue(), nil
}
