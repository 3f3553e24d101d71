package broker

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/metadata"
)

// The metadata may hold an altered setting that asks for protection which cannot
// be given, as a directory that Kafka wrote does. A running broker keeps the
// settings it has; a start is refused by name, and never a crash.
func TestAlteredSettingsThatCannotBeServed(t *testing.T) {
	files := vfs.NewMem()
	b := mustOpen(t, files)
	value := "required"
	_, err := b.metadata.Propose(context.Background(), func(*metadata.Image) ([]metadata.Record, error) {
		return []metadata.Record{&metadata.ConfigRecord{
			ResourceType: metadata.ResourceBroker, ResourceName: "1", Name: "ssl.client.auth", Value: &value,
		}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if b.settings.Load() == nil {
		t.Fatal("the running broker has lost its settings")
	}
	dial(t, b).topic("still-served")
	mustClose(t, b)
	again, err := open(t, files)
	if err == nil {
		mustClose(t, again)
		t.Fatal("a broker serves openly what was configured closed")
	}
	t.Log(err)
}

func TestAlteredConnectionLimitsAct(t *testing.T) {
	b := mustOpen(t, vfs.NewMem())
	defer mustClose(t, b)
	first := dial(t, b)
	first.topic("t")
	q := kmsg.NewPtrIncrementalAlterConfigsRequest()
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType = kmsg.ConfigResourceTypeBroker
	c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	c.Name, c.Value = "max.connections.per.ip", kmsg.StringPtr("1")
	r.Configs = append(r.Configs, c)
	q.Resources = append(q.Resources, r)
	q.SetVersion(1)
	if p := first.ask(q).(*kmsg.IncrementalAlterConfigsResponse); p.Resources[0].ErrorCode != 0 {
		t.Fatalf("altering the limit: %d", p.Resources[0].ErrorCode)
	}
	if _, err := dial(t, b).in.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("a second connection is served: %v", err)
	}
}
