package metadata

import (
	"slices"

	"github.com/barnabas-mq/barnabas/protocol"
)

// lead takes the lead over the log under a new quorum epoch, as Kafka's single
// node does at its start: LeaderChange; in a new log the bootstrap records; the
// registrations of controller and broker; a leader for partitions that a clean
// stop has left without one.
func (s *Store) lead(rec *recovery) error {
	s.epoch = rec.img.epoch + 1
	if rec.quorum != nil {
		s.epoch = max(s.epoch, rec.quorum.epoch+1)
	}
	// In a new folder the file comes after the first record, which is made durable
	// first, so that a file without a log always means that a log was lost.
	writeQuorum := func() error {
		return writeQuorumState(s.o.FS, s.o.Dir, s.o.NodeID, s.epoch, rec.img.kraftVersion)
	}
	fresh := rec.img.end == 0
	if !fresh {
		if err := writeQuorum(); err != nil {
			return err
		}
	}
	if err := s.announce(fresh); err != nil {
		return err
	}
	if fresh {
		if err := s.o.Journal.Flush(); err != nil {
			return err
		}
		if err := writeQuorum(); err != nil {
			return err
		}
	}
	if rec.unfinished {
		if err := s.abortTransaction(); err != nil {
			return err
		}
	}
	if rec.isNew() {
		if err := s.change(func(*Image) []Record { return bootstrapRecords(s.o.Bootstrap) }); err != nil {
			return err
		}
	}
	if err := s.change(s.registration); err != nil {
		return err
	}
	return s.change(func(img *Image) []Record { return electLeaders(img, s.o.NodeID) })
}

// change serves one proposal before the owner goroutine exists.
func (s *Store) change(decide func(*Image) []Record) error {
	p := &proposal{done: make(chan struct{}), decide: func(img *Image) ([]Record, error) { return decide(img), nil }}
	s.serve(p)
	return p.err
}

// announce writes the control batch that begins the epoch. The first one of a log
// repeats the voters of kraft.version 1, which the folder's first snapshot names.
func (s *Store) announce(fresh bool) error {
	img, now := s.image.Load(), s.now()
	b := controlBuilder()
	voter := []int32{s.o.NodeID}
	b.Add(now, controlKey(controlLeaderChange), encodeControl((&leaderChange{leader: s.o.NodeID, voters: voter, granting: voter}).walk))
	if fresh && img.kraftVersion > 0 {
		b.Add(now, controlKey(controlKRaftVersion), encodeControl((&kraftVersion{0, img.kraftVersion}).walk))
		b.Add(now, controlKey(controlKRaftVoters), img.voters)
	}
	return s.appendBare(b, now)
}

// abortTransaction ends a transaction whose writer died: what it began does not
// count, and what follows must not be taken for a part of it.
func (s *Store) abortTransaction() error {
	reason, now := "the controller restarted", s.now()
	b := protocol.NewBatchBuilder(protocol.DefaultBatchOptions())
	b.Add(now, nil, mustAppendRecord(nil, &AbortTransactionRecord{Reason: &reason}, 0))
	return s.appendBare(b, now)
}

// appendBare journals a batch that changes nothing but the end of the log.
func (s *Store) appendBare(b *protocol.BatchBuilder, now protocol.Timestamp) error {
	count := protocol.Offset(b.Count())
	if err := s.append(b); err != nil {
		return err
	}
	d := s.image.Load().edit()
	d.advance(d.img.end+count, s.epoch, now)
	s.publish(d.image(), nil)
	return nil
}

// registration is the records that make this process the broker. The broker
// epoch is the offset of its own record, which fences every earlier process.
func (s *Store) registration(img *Image) []Record {
	records := []Record{&RegisterControllerRecord{
		ControllerID: s.o.NodeID, IncarnationID: s.o.IncarnationID,
		Endpoints: s.o.ControllerEndpoints, Features: SupportedFeatures(),
	}}
	s.brokerEpoch = int64(img.end) + int64(len(records))
	records = append(records, &RegisterBrokerRecord{
		BrokerID: s.o.NodeID, IncarnationID: s.o.IncarnationID, BrokerEpoch: s.brokerEpoch,
		Endpoints: s.o.Endpoints, Features: SupportedFeatures(), Rack: s.o.Rack, Fenced: true,
		LogDirs: []protocol.UUID{s.o.DirectoryID},
	})
	if img.MetadataVersion() >= MetadataVersionCordoned {
		records = append(records, &BrokerRegistrationChangeRecord{
			BrokerID: s.o.NodeID, BrokerEpoch: s.brokerEpoch, CordonedLogDirs: []protocol.UUID{},
		})
	}
	return append(records, &BrokerRegistrationChangeRecord{
		BrokerID: s.o.NodeID, BrokerEpoch: s.brokerEpoch, Fenced: FenceChangeUnfence,
	})
}

// electLeaders leads every partition of the node that has no leader.
func electLeaders(img *Image, node int32) []Record {
	var records []Record
	for t := range img.Topics() {
		for i := range t.Partitions {
			p := &t.Partitions[i]
			if p.Leader != NoLeader || !slices.Contains(p.Replicas, node) {
				continue
			}
			r := NewPartitionChange(t.ID, p.Index)
			r.Leader = node
			if !slices.Contains(p.ISR, node) {
				r.ISR = []int32{node}
			}
			if len(p.ELR) > 0 || len(p.LastKnownELR) > 0 {
				r.ELR, r.LastKnownELR = []int32{}, []int32{}
			}
			records = append(records, r)
		}
	}
	return records
}
