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

func encodeControl(walk func(*coder)) []byte {
	var c coder
	walk(&c)
	return c.buf
}

func decodeControl(value []byte, walk func(*coder)) error {
	c := coder{reading: true, buf: value}
	walk(&c)
	return c.err
}

// leaderChange is the record that begins every quorum epoch. Version 0 has been
// seen for both kraft.versions; version 1 adds directory ids.
type leaderChange struct {
	version  int16
	leader   int32
	voters   []int32
	granting []int32
}

func (r *leaderChange) walk(c *coder) {
	c.int16(&r.version)
	if r.version > 1 {
		c.fail(&UnknownRecordError{What: fmt.Sprintf("LeaderChange version %d", r.version)})
	}
	c.int32(&r.leader)
	voter := func(c *coder, id *int32) {
		c.int32(id)
		if r.version >= 1 {
			var directory protocol.UUID
			c.uuid(&directory)
		}
		c.tags()
	}
	array(c, &r.voters, voter)
	array(c, &r.granting, voter)
	c.tags()
}

// snapshotHeader begins a snapshot.
type snapshotHeader struct {
	version           int16
	lastContainedTime protocol.Timestamp
}

func (r *snapshotHeader) walk(c *coder) {
	c.int16(&r.version)
	c.int64((*int64)(&r.lastContainedTime))
	c.tags()
}

// snapshotFooter ends a snapshot.
type snapshotFooter struct{ version int16 }

func (r *snapshotFooter) walk(c *coder) {
	c.int16(&r.version)
	c.tags()
}

// kraftVersion says how voters are known: 0 from the configuration, 1 from the log.
type kraftVersion struct{ version, level int16 }

func (r *kraftVersion) walk(c *coder) {
	c.int16(&r.version)
	c.int16(&r.level)
	c.tags()
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

func (r *voters) walk(c *coder) {
	c.int16(&r.version)
	array(c, &r.list, func(c *coder, v *voter) {
		c.int32(&v.id)
		c.uuid(&v.directory)
		array(c, &v.endpoints, func(c *coder, e *voterEndpoint) {
			c.string(&e.name)
			c.string(&e.host)
			c.uint16(&e.port)
			c.tags()
		})
		c.int16(&v.min)
		c.int16(&v.max)
		c.tags() // of the feature range
		c.tags() // of the voter
	})
	c.tags()
}
