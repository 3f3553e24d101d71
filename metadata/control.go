package metadata

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/barnabas-mq/barnabas/protocol"
)

// The control records that a metadata log or snapshot may hold (KIP-595,
// KIP-630, KIP-853). Their keys are two int16: version 0 and the type.
const (
	controlLeaderChange   = 2
	controlSnapshotHeader = 3
	controlSnapshotFooter = 4
	controlKRaftVersion   = 5
	controlKRaftVoters    = 6
)

func controlKey(kind int16) []byte {
	return binary.BigEndian.AppendUint16([]byte{0, 0}, uint16(kind))
}

func controlType(key []byte) (int16, error) {
	if len(key) < 4 {
		return 0, errors.New("the key of a control record is too short")
	}
	return int16(binary.BigEndian.Uint16(key[2:])), nil
}

func controlBuilder() *protocol.BatchBuilder {
	options := protocol.DefaultBatchOptions()
	options.Control = true
	return protocol.NewBatchBuilder(options)
}

func encodeControl(walk func(*protocol.Coder)) []byte {
	var c protocol.Coder
	walk(&c)
	return c.Rest()
}

func decodeControl(value []byte, walk func(*protocol.Coder)) error {
	c := protocol.NewReader(0, value)
	walk(c)
	return c.Err()
}

// leaderChange is the record that begins every quorum epoch. Version 0 has been
// seen for both kraft.versions; version 1 adds directory ids.
type leaderChange struct {
	version  int16
	leader   int32
	voters   []int32
	granting []int32
}

func (r *leaderChange) walk(c *protocol.Coder) {
	c.Int16(&r.version)
	if r.version > 1 {
		c.Fail(&UnknownRecordError{What: fmt.Sprintf("LeaderChange version %d", r.version)})
	}
	c.Int32(&r.leader)
	voter := func(c *protocol.Coder, id *int32) {
		c.Int32(id)
		if r.version >= 1 {
			var directory protocol.UUID
			c.UUID(&directory)
		}
		c.Tags()
	}
	protocol.Array(c, &r.voters, voter)
	protocol.Array(c, &r.granting, voter)
	c.Tags()
}

// snapshotHeader begins a snapshot.
type snapshotHeader struct {
	version           int16
	lastContainedTime protocol.Timestamp
}

func (r *snapshotHeader) walk(c *protocol.Coder) {
	c.Int16(&r.version)
	c.Int64((*int64)(&r.lastContainedTime))
	c.Tags()
}

// snapshotFooter ends a snapshot.
type snapshotFooter struct{ version int16 }

func (r *snapshotFooter) walk(c *protocol.Coder) {
	c.Int16(&r.version)
	c.Tags()
}

// kraftVersion says how voters are known: 0 from the configuration, 1 from the log.
type kraftVersion struct{ version, level int16 }

func (r *kraftVersion) walk(c *protocol.Coder) {
	c.Int16(&r.version)
	c.Int16(&r.level)
	c.Tags()
}

// voters is the voter set of kraft.version 1.
type voters struct {
	version int16
	list    []voter
}

type voter struct {
	id        int32
	directory protocol.UUID
	endpoints []voterEndpoint
	min, max  int16 // of kraft.version
}

type voterEndpoint struct {
	name, host string
	port       uint16
}

func (r *voters) walk(c *protocol.Coder) {
	c.Int16(&r.version)
	protocol.Array(c, &r.list, func(c *protocol.Coder, v *voter) {
		c.Int32(&v.id)
		c.UUID(&v.directory)
		protocol.Array(c, &v.endpoints, func(c *protocol.Coder, e *voterEndpoint) {
			c.String(&e.name)
			c.String(&e.host)
			c.Uint16(&e.port)
			c.Tags()
		})
		c.Int16(&v.min)
		c.Int16(&v.max)
		c.Tags() // of the feature range
		c.Tags() // of the voter
	})
	c.Tags()
}
