package group

import (
	"strings"
	"testing"
)

// Requests of flexible versions can carry strings that the records, whose lengths
// are 16 bits, cannot hold. They are refused; nothing is written for them.
func TestStringsThatNoRecordHolds(t *testing.T) {
	long := strings.Repeat("x", 1<<15)
	joins := map[string]JoinInput{
		"group":         {GroupID: long},
		"client id":     {GroupID: "g", ClientID: long[1:]}, // fits by itself, not with what is added to it
		"instance":      {GroupID: "g", InstanceID: &long},
		"protocol":      {GroupID: "g", Protocols: []Protocol{{Name: long}}},
		"protocol type": {GroupID: "g", ProtocolType: long},
	}
	for name, in := range joins {
		t.Run("join "+name, func(t *testing.T) {
			config := DefaultConfig()
			config.InitialRebalanceDelayMillis = 0
			d := newDriver(t, config)
			in.SessionTimeoutMillis, in.RebalanceTimeoutMillis = 10_000, 10_000
			if in.ProtocolType == "" {
				in.ProtocolType = consumerProtocolType
			}
			if in.Protocols == nil {
				in.Protocols = parseProtocols("range:t")
			}
			var out JoinOutput
			d.do(d.machine.Join(d.now, in, func(o JoinOutput) { out = o }))
			d.runDue()
			if out.Err == nil {
				d.do(d.machine.Sync(d.now, SyncInput{GroupID: in.GroupID, MemberID: out.MemberID, InstanceID: in.InstanceID, Generation: out.Generation}, func(SyncOutput) {}))
				t.Error("it was let in")
			}
		})
	}
	commits := map[string]CommitInput{
		"group":    {GroupID: long, Generation: noGeneration, Topics: []CommitTopic{{Topic: "t", Partitions: []CommitPartition{{Offset: 1}}}}},
		"topic":    {GroupID: "g", Generation: noGeneration, Topics: []CommitTopic{{Topic: long, Partitions: []CommitPartition{{Offset: 1}}}}},
		"metadata": {GroupID: "g", Generation: noGeneration, Topics: []CommitTopic{{Topic: "t", Partitions: []CommitPartition{{Offset: 1, Metadata: long}}}}},
	}
	for name, in := range commits {
		t.Run("commit "+name, func(t *testing.T) {
			config := DefaultConfig()
			config.OffsetMetadataBytesMax = 1 << 20
			d := newDriver(t, config)
			d.do(d.machine.Commit(d.now, in, func(CommitOutput) {}))
			if len(d.journal) > 0 {
				t.Error("it was written")
			}
		})
	}
}
