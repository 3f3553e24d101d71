package badinput

import (
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// Case is one attack.
type Case struct {
	Name string
	// Send makes the bytes. They go out at once, on a connection of their own.
	Send func(f *Fixture) []byte
	// Then acts on the connection before the answer is awaited; nil does nothing.
	Then func(c *wire.Conn) error
	Want Want
}

// Fixture is what cases may refer to.
type Fixture struct {
	// Topic exists, with one partition and default settings.
	Topic string
	// Compacted exists, with cleanup.policy=compact.
	Compacted string
}

// Want says what must come back.
type Want struct {
	text  string
	check func(c *wire.Conn) error
}

func (w Want) String() string { return w.text }

// Closed wants the connection closed without an answer.
func Closed() Want {
	return Want{"connection closed", (*wire.Conn).ExpectClosed}
}

// ClosedOrAnswered is for input on which brokers may differ, as long as they
// neither hang nor die.
func ClosedOrAnswered() Want {
	return Want{"connection closed, or an answer", func(c *wire.Conn) error {
		if _, _, err := c.Receive(); err != nil && !wire.IsClosed(err) {
			return err
		}
		return nil
	}}
}

// patience is how long a broker is given to react to input that must not make
// it react.
const patience = 300 * time.Millisecond

// Waiting wants no reaction: the broker waits for the rest.
func Waiting() Want {
	return Want{"no reaction", func(c *wire.Conn) error {
		c.Timeout = patience
		_, _, err := c.Receive()
		if wire.IsTimeout(err) {
			return nil
		}
		return fmt.Errorf("a reaction where the rest of the frame is due: %v", err)
	}}
}

// Answers wants n answers with the correlation ids 1 to n, in order.
func Answers(n int32) Want {
	return Want{fmt.Sprintf("%d answers in order", n), func(c *wire.Conn) error {
		for i := range n {
			got, _, err := c.Receive()
			if err != nil {
				return fmt.Errorf("answer %d of %d: %w", i+1, n, err)
			}
			if got != i+1 {
				return fmt.Errorf("answer to %d where %d is due", got, i+1)
			}
		}
		return nil
	}}
}

// Code wants an answer to req (in its version) that carries one of the codes;
// codesIn finds those of an answer.
func Code(req kmsg.Request, codesIn func(kmsg.Response) []int16, codes ...int16) Want {
	return Want{fmt.Sprintf("error code %v", codes), func(c *wire.Conn) error {
		_, rest, err := c.Receive()
		if err != nil {
			return err
		}
		body, err := wire.StripResponseHeader(req.Key(), req.IsFlexible(), rest)
		if err != nil {
			return err
		}
		resp, err := wire.DecodeBody(req, body)
		if err != nil {
			return err
		}
		got := codesIn(resp)
		if len(got) == 0 {
			return fmt.Errorf("an answer without any result")
		}
		for _, code := range got {
			if !slices.Contains(codes, code) {
				return fmt.Errorf("error codes %v", got)
			}
		}
		return nil
	}}
}

// Run plays one case.
func (c Case) Run(address string, f *Fixture) error {
	conn, err := wire.Dial(address)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // often closed by the broker
	if err := conn.Write(c.Send(f)); err != nil && !wire.IsClosed(err) {
		return fmt.Errorf("send: %w", err)
	}
	if c.Then != nil {
		if err := c.Then(conn); err != nil {
			return err
		}
	}
	if c.Want.check == nil {
		return nil
	}
	if err := c.Want.check(conn); err != nil {
		return fmt.Errorf("want %s: %w", c.Want, err)
	}
	return nil
}

// NewFixture makes the topics that cases refer to.
func NewFixture(address string) (*Fixture, error) {
	conn, err := wire.Dial(address)
	if err != nil {
		return nil, err
	}
	defer conn.Close() //nolint:errcheck // only read from
	f := &Fixture{Topic: "badinput-plain", Compacted: "badinput-compacted"}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Version, req.TimeoutMillis = 2, 10_000
	for _, name := range []string{f.Topic, f.Compacted} {
		t := kmsg.NewCreateTopicsRequestTopic()
		t.Topic, t.NumPartitions, t.ReplicationFactor = name, 1, 1
		if name == f.Compacted {
			config := kmsg.NewCreateTopicsRequestTopicConfig()
			policy := "compact"
			config.Name, config.Value = "cleanup.policy", &policy
			t.Configs = append(t.Configs, config)
		}
		req.Topics = append(req.Topics, t)
	}
	resp, err := conn.Call(req)
	if err != nil {
		return nil, err
	}
	const exists = 36
	for _, t := range resp.(*kmsg.CreateTopicsResponse).Topics {
		if t.ErrorCode != 0 && t.ErrorCode != exists {
			return nil, fmt.Errorf("create %s: error %d", t.Topic, t.ErrorCode)
		}
	}
	return f, f.awaitServed(conn)
}

// awaitServed asks until both topics have a log: Kafka answers the creation
// before that.
func (f *Fixture) awaitServed(conn *wire.Conn) error {
	deadline := time.Now().Add(wire.DefaultTimeout)
	for _, name := range []string{f.Topic, f.Compacted} {
		for {
			p := kmsg.NewListOffsetsRequestTopicPartition()
			p.Timestamp = -1
			t := kmsg.NewListOffsetsRequestTopic()
			t.Topic, t.Partitions = name, []kmsg.ListOffsetsRequestTopicPartition{p}
			req := kmsg.NewPtrListOffsetsRequest()
			req.Version, req.ReplicaID, req.Topics = 1, -1, []kmsg.ListOffsetsRequestTopic{t}
			resp, err := conn.Call(req)
			if err != nil {
				return err
			}
			if resp.(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0].ErrorCode == 0 {
				break
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("%s is not served", name)
			}
		}
	}
	return nil
}

// Ping asks for the API versions on a connection that has seen nothing bad.
func Ping(c *wire.Conn) error {
	_, err := c.Call(kmsg.NewPtrApiVersionsRequest())
	return err
}
