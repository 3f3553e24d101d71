package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

const (
	fewConnections, manyConnections = 1_000, 5_000
	// idleWatch is how long the CPU of connections that say nothing is counted;
	// it is counted in steps of 10 ms.
	idleWatch = 5 * time.Second

	fewConnectionsRow  = "idle connection, of 1,000"
	manyConnectionsRow = "idle connection, of 5,000"
	idleCPURow         = "5,000 idle connections"
)

// runIdleConnections opens connections that ask what every client asks first,
// ApiVersions and Metadata, and then say nothing. What the first one costs the
// process is left out: it is there before memory is first read.
func runIdleConnections(b contender, _ options) ([]phase, error) {
	crowd := newCrowd(b.Bootstrap())
	defer crowd.leave()
	memory := func(connections int) (rss int64, err error) {
		if err := crowd.growTo(connections); err != nil {
			return 0, err
		}
		time.Sleep(idleBeforeUsage)
		usage, err := b.Usage()
		return usage.RSS, err
	}
	none, err := memory(1)
	if err != nil {
		return nil, err
	}
	few, err := memory(1 + fewConnections)
	if err != nil {
		return nil, err
	}
	many, err := memory(1 + manyConnections)
	if err != nil {
		return nil, err
	}
	before, err := b.Usage()
	if err != nil {
		return nil, err
	}
	time.Sleep(idleWatch)
	after, err := b.Usage()
	if err != nil {
		return nil, err
	}
	return []phase{{more: []sample{
		perThing(fewConnectionsRow, none, few, fewConnections),
		perThing(manyConnectionsRow, none, many, manyConnections),
		{idleCPURow, "CPU ms/s", lower, millis(after.CPU()-before.CPU()) / idleWatch.Seconds()},
	}}}, crowd.stillThere()
}

// crowd is open connections that have no buffers here: thousands of them are
// meant to cost the broker memory, not this process.
type crowd struct {
	address string
	// greetings are the requests of a new connection, each sent after the answer
	// to the one before.
	greetings [][]byte
	conns     []net.Conn
}

func newCrowd(address string) *crowd {
	id := wire.DefaultClientID
	versions := kmsg.NewPtrApiVersionsRequest()
	versions.Version, versions.ClientSoftwareName, versions.ClientSoftwareVersion = 3, "bench", "1"
	metadata := kmsg.NewPtrMetadataRequest()
	metadata.Version, metadata.Topics = 1, []kmsg.MetadataRequestTopic{}
	return &crowd{address: address, greetings: [][]byte{wire.EncodeRequest(versions, 1, &id), wire.EncodeRequest(metadata, 2, &id)}}
}

func (c *crowd) growTo(n int) error {
	for len(c.conns) < n {
		conn, err := net.DialTimeout("tcp", c.address, wire.DefaultTimeout)
		if err != nil {
			return fmt.Errorf("connection %d: %w", len(c.conns)+1, err)
		}
		c.conns = append(c.conns, conn)
		if err := greet(conn, c.greetings); err != nil {
			return fmt.Errorf("connection %d: %w", len(c.conns), err)
		}
	}
	return nil
}

// stillThere asks on the first and the last connection: a broker that closed them
// has no idle connections.
func (c *crowd) stillThere() error {
	for _, conn := range []net.Conn{c.conns[0], c.conns[len(c.conns)-1]} {
		if err := greet(conn, c.greetings[1:]); err != nil {
			return fmt.Errorf("an idle connection is of no use any more: %w", err)
		}
	}
	return nil
}

func (c *crowd) leave() {
	for _, conn := range c.conns {
		_ = conn.Close()
	}
}

// greet sends requests one by one and drops the answers.
func greet(conn net.Conn, requests [][]byte) error {
	if err := conn.SetDeadline(time.Now().Add(wire.DefaultTimeout)); err != nil {
		return err
	}
	for _, request := range requests {
		if _, err := conn.Write(request); err != nil {
			return err
		}
		var length [4]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return err
		}
		if _, err := io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(length[:]))); err != nil {
			return err
		}
	}
	return nil
}
