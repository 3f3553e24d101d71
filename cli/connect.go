package cli

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// dialTimeout is how long to wait for a connection before it is said that there is no broker.
const dialTimeout = 3 * time.Second

// answerTimeoutMin is the least that the client takes.
const answerTimeoutMin = 100 * time.Millisecond

// worded says of a broker that it does not answer, where the error is a connection's.
func (c *call) worded(err error) error {
	if late := net.Error(nil); !errors.As(err, &late) || !late.Timeout() {
		return err
	}
	return fmt.Errorf("%s does not answer within %v (%w)\nis it a broker, and does it speak without TLS? --timeout waits longer", c.bootstrap, c.timeout, err)
}

// connect makes the client of a call once it is known that somebody listens.
func (c *call) connect(more ...kgo.Opt) error {
	seeds := strings.FieldsFunc(c.bootstrap, func(r rune) bool { return r == ',' || r == ' ' })
	if err := reachable(seeds); err != nil {
		return err
	}
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(seeds...), kgo.ClientID("barnabas-cli"), kgo.DisableClientMetrics(),
		kgo.RetryTimeout(c.timeout), kgo.RequestTimeoutOverhead(max(answerTimeoutMin, c.timeout)), kgo.FetchMaxWait(500 * time.Millisecond),
	}, more...)...)
	if err != nil {
		return err
	}
	c.client = client
	return nil
}

// reachable says what to do when nobody listens on any of the addresses.
func reachable(seeds []string) error {
	if len(seeds) == 0 {
		return usagef("--bootstrap-server names no broker")
	}
	var first error
	for _, seed := range seeds {
		connection, err := net.DialTimeout("tcp", seed, dialTimeout)
		if err == nil {
			return connection.Close()
		}
		if first == nil {
			first = err
		}
	}
	return fmt.Errorf("no broker answers at %s (%w)\nstart one:      barnabas serve --profile dev --listen %s\nor name it:     --bootstrap-server HOST:PORT, or KAFKA_BOOTSTRAP_SERVERS in the environment",
		strings.Join(seeds, ","), first, seeds[0])
}

// admin connects, and gives the client that asks about the cluster.
func (c *call) admin() (*kadm.Client, error) {
	if err := c.connect(); err != nil {
		return nil, err
	}
	return kadm.NewClient(c.client), nil
}

// explained is an error of a broker with its message and what may be done about it.
func explained(err error, message, what string) error {
	if err == nil {
		return nil
	}
	var code *kerr.Error
	if !errors.As(err, &code) {
		return err
	}
	if message == "" {
		message = code.Description
	}
	switch code {
	case kerr.UnknownTopicOrPartition:
		return fmt.Errorf("there is no topic %q; `barnabas topics list` shows what there is, `barnabas topics create %s` makes it", what, what)
	case kerr.MessageTooLarge:
		return fmt.Errorf("a record is larger than topic %q, or this command, takes in a batch (1 MB unless max.message.bytes says otherwise)", what)
	case kerr.TopicAlreadyExists:
		return fmt.Errorf("topic %q exists already", what)
	case kerr.GroupIDNotFound:
		return fmt.Errorf("there is no group %q; `barnabas groups list` shows what there is", what)
	case kerr.NonEmptyGroup:
		return fmt.Errorf("group %q has members; stop them first", what)
	}
	return fmt.Errorf("%s: %s (%s)", what, message, code.Message)
}

// outcomes prints what came of each of several things; the error is that of the first that failed.
func (c *call) outcomes(all []Outcome) error {
	var failed error
	if c.json {
		if err := c.encode(all); err != nil {
			return err
		}
	}
	for _, o := range all {
		switch {
		case o.Error != "" && failed == nil:
			failed = errors.New(o.Error)
		case o.Error != "":
			fmt.Fprintln(c.errOut, "barnabas: "+o.Error)
		case !c.json:
			fmt.Fprintf(c.out, "%s %s\n", o.Name, o.Done)
		}
	}
	return failed
}

func outcome(name, done string, err error) Outcome {
	if err != nil {
		return Outcome{Name: name, Error: err.Error()}
	}
	return Outcome{Name: name, Done: done}
}
