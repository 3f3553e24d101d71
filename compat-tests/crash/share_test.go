package crash

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// What a member of a share group was told is acknowledged is never delivered again,
// whenever the broker is killed, and every record is delivered in the end.
func TestShareGroupAcknowledgementsOutliveKills(t *testing.T) {
	onEach(t, func(t *testing.T, ctx context.Context, broker *testbed.Broker, kills int) {
		const topic, group, total, last = "shared", "sharers", 6000, 300
		kills = min(kills, 10)
		random := seeded(t)
		CreateTopic(t, ctx, broker, topic, 3)
		beginEarliest(t, ctx, broker, group)
		produceAll(t, ctx, broker, topic, 0, total)

		var failed atomic.Int32 // acknowledgements that were not stored, as far as is known
		member := client(t, broker, kgo.ConsumeTopics(topic), kgo.ShareGroup(group), kgo.ShareMaxRecords(20), kgo.ShareMaxRecordsStrict(),
			kgo.ShareAckCallback(func(_ *kgo.Client, results kgo.ShareAckResults) {
				for _, r := range results {
					if r.Err != nil {
						failed.Add(1)
					}
				}
			}))
		// promised has every value that was delivered: true once it is acknowledged, false
		// while nobody knows.
		promised := map[string]bool{}
		nextKill, again := random.IntN(total/kills), 0
		for len(promised) < total+last {
			if len(promised) == total { // what comes with the last ones was not stored
				restart(t, broker)
				produceAll(t, ctx, broker, topic, total, last)
			}
			records := member.PollRecords(ctx, 20).Records()
			if ctx.Err() != nil {
				t.Fatalf("%d of %d records were delivered", len(promised), total)
			}
			for _, r := range records {
				known, before := promised[string(r.Value)]
				if known {
					t.Fatalf("%s was acknowledged, and is delivered again, count %d", r.Value, r.DeliveryCount())
				}
				if before {
					again++
				}
				promised[string(r.Value)] = false
				r.Ack(kgo.AckAccept)
			}
			failures := failed.Load()
			killed := make(chan error, 1)
			if kills > 0 && len(promised) >= nextKill && len(promised) < total {
				kills, nextKill = kills-1, len(promised)+random.IntN(2*total/10)
				of := rand.New(rand.NewPCG(random.Uint64(), 0))
				go func() {
					pause(ctx, of, delayMax) // before the acknowledgements come, in the midst of it, or after
					killed <- errors.Join(broker.Kill(), broker.Start())
				}()
				pause(ctx, random, delayMax)
			} else {
				killed <- nil
			}
			flushed := member.FlushAcks(ctx)
			if err := <-killed; err != nil {
				t.Fatal(err)
			}
			if flushed != nil || failed.Load() != failures {
				continue // nobody has promised anything
			}
			for _, r := range records {
				promised[string(r.Value)] = true
			}
		}
		sure := 0
		for _, known := range promised {
			if known {
				sure++
			}
		}
		if sure < total/2 {
			t.Errorf("only %d of %d records were acknowledged", sure, total)
		}
		t.Logf("%d records were acknowledged for sure, %d were delivered again", sure, again)
	})
}

// produceAll writes numbers to all partitions.
func produceAll(t *testing.T, ctx context.Context, broker *testbed.Broker, topic string, from, count int) {
	t.Helper()
	producer := client(t, broker, kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	defer producer.Close()
	records := make([]*kgo.Record, count)
	for i := range records {
		records[i] = kgo.StringRecord(strconv.Itoa(from + i))
	}
	if err := producer.ProduceSync(ctx, records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// beginEarliest lets a share group begin with the first record.
func beginEarliest(t *testing.T, ctx context.Context, broker *testbed.Broker, group string) {
	t.Helper()
	earliest := "earliest"
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeGroupConfig, group
	c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	c.Name, c.Value = "share.auto.offset.reset", &earliest
	r.Configs = append(r.Configs, c)
	req.Resources = append(req.Resources, r)
	resp, err := req.RequestWith(ctx, client(t, broker))
	if err != nil || resp.Resources[0].ErrorCode != 0 {
		t.Fatalf("%v, %+v", err, resp)
	}
}
