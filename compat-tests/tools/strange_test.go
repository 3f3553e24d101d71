package tools

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/cli"
	"github.com/barnabas-mq/barnabas/cli/kafkatools"
)

// strange is a broker that answers one request in its own way.
func strange(t *testing.T, key kmsg.Key, answer func(kmsg.Request) kmsg.Response) (bootstrap string) {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "words"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.ControlKey(key.Int16(), func(request kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		return answer(request), nil, true
	})
	return c.ListenAddrs()[0]
}

// bare is metadata of topics that say nothing of their partitions, or not even their names.
func bare(names ...*string) func(kmsg.Request) kmsg.Response {
	return func(request kmsg.Request) kmsg.Response {
		answer := request.ResponseKind().(*kmsg.MetadataResponse)
		for _, name := range names {
			topic := kmsg.NewMetadataResponseTopic()
			topic.Topic, topic.ErrorCode = name, kerr.LeaderNotAvailable.Code
			answer.Topics = append(answer.Topics, topic)
		}
		return answer
	}
}

// listen has each connection served in its own way.
func listen(t *testing.T, serve func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	return l.Addr().String()
}

// runAll runs a command line of Kafka's tools or of Barnabas; it tells what was printed.
func runAll(t *testing.T, bootstrap, line string) string {
	t.Helper()
	words := strings.Fields(strings.ReplaceAll(line, "ADDR", bootstrap))
	ended := make(chan string, 1)
	go func() {
		var out bytes.Buffer
		if _, isTool := kafkatools.Run(words[0], words[1:], strings.NewReader(""), &out, &out); !isTool {
			if err := cli.Run(words[0], words[1:], strings.NewReader(""), &out, &out); err != nil {
				out.WriteString(err.Error())
			}
		}
		ended <- out.String()
	}()
	select {
	case text := <-ended:
		return text
	case <-time.After(time.Minute):
		t.Fatalf("%s: no end", line)
		return ""
	}
}

// A topic without partitions, or without a name, is told of as it is.
func TestTopicsThatAreNotWhole(t *testing.T) {
	name := kmsg.StringPtr("words")
	whole := strange(t, kmsg.Metadata, bare(name))
	if got := runAll(t, whole, "kafka-topics --bootstrap-server ADDR --describe --topic words"); !strings.Contains(got, "Topic: words\tPartitionCount: 0\tReplicationFactor: 0\t") {
		t.Error(got)
	}
	if got := runAll(t, whole, "rpk topic describe words --brokers ADDR"); !strings.Contains(got, "REPLICAS    0") {
		t.Error(got)
	}
	nameless := strange(t, kmsg.Metadata, bare(nil))
	if got := runAll(t, nameless, "kafka-topics --bootstrap-server ADDR --describe --topic-id AAAAAAAAAAAAAAAAAAAAAA"); !strings.Contains(got, "does not exist") {
		t.Error(got)
	}
	none := strange(t, kmsg.Metadata, bare())
	if got := runAll(t, none, "rpk topic describe words --brokers ADDR"); !strings.Contains(got, "not found") {
		t.Error(got)
	}
}

// A broker that sends back to where the client was is not followed for ever.
func TestACursorThatGoesBack(t *testing.T) {
	address := strange(t, kmsg.DescribeTopicPartitions, func(request kmsg.Request) kmsg.Response {
		answer := request.ResponseKind().(*kmsg.DescribeTopicPartitionsResponse)
		cursor := kmsg.NewDescribeTopicPartitionsResponseNextCursor()
		cursor.Topic = "words"
		answer.NextCursor = &cursor
		return answer
	})
	if got := runAll(t, address, "kafka-topics --bootstrap-server ADDR --describe --topic words"); !strings.Contains(got, "Partition: 1\t") {
		t.Error(got)
	}
}

// A tool waits for a broker behind a published port, where something accepts and ends the connection,
// in order or by a reset, until the broker listens, and says on the way what it waits for.
func TestAPortThatOpensBeforeTheBroker(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "words"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	for end, kind := range map[string]struct {
		linger int
		says   string
	}{
		"in order":   {-1, "is TLS misconfigured?"},
		"by a reset": {0, "ended before an answer"},
	} {
		t.Run(end, func(t *testing.T) {
			var early atomic.Int32
			port := listen(t, func(outside net.Conn) {
				defer outside.Close()
				if early.Add(1) <= 10 {
					_, _ = outside.Read(make([]byte, 4096)) // or else the kernel resets in either case
					_ = outside.(*net.TCPConn).SetLinger(kind.linger)
					return
				}
				inside, err := net.Dial("tcp", c.ListenAddrs()[0])
				if err != nil {
					return
				}
				go func() { _, _ = io.Copy(inside, outside); _ = inside.Close() }()
				_, _ = io.Copy(outside, inside)
			})
			got := runAll(t, port, "kafka-topics --list --bootstrap-server ADDR")
			if !strings.Contains(got, "words") || !strings.Contains(got, "WARN") || !strings.Contains(got, kind.says) {
				t.Error(got)
			}
		})
	}
}

// What is no broker is told of in words that lead on.
func TestNoBrokerButAWebServer(t *testing.T) {
	web := listen(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1))
		_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
		_ = c.Close()
	})
	hasty := filepath.Join(t.TempDir(), "hasty.properties")
	if err := os.WriteFile(hasty, []byte("default.api.timeout.ms=1000\nrequest.timeout.ms=1000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := runAll(t, web, "kafka-topics --list --bootstrap-server ADDR --command-config "+hasty); !strings.Contains(got, "HTTP") || !strings.Contains(got, "Call: listTopics") {
		t.Error(got)
	}
}

// Who accepts and says nothing is waited for no longer than --timeout says, and the error tells of it.
func TestABrokerThatSaysNothing(t *testing.T) {
	silent := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	got := runAll(t, silent, "topics list -b ADDR --timeout 300ms")
	if !strings.Contains(got, "does not answer") || !strings.Contains(got, silent) {
		t.Error(got)
	}
}

// Answers in which nothing is end every command, as an error or as nothing to tell.
func TestAnswersWithoutAnything(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "words"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.Control(func(request kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		switch request.(type) {
		case *kmsg.ApiVersionsRequest, *kmsg.MetadataRequest, *kmsg.FindCoordinatorRequest:
			return nil, nil, false
		}
		return request.ResponseKind(), nil, true
	})
	for line := range strings.Lines(`kafka-topics --list
kafka-topics --create --topic new
kafka-topics --alter --topic words --partitions 3
kafka-topics --describe
kafka-topics --delete --topic words
kafka-configs --describe --topic words
kafka-configs --describe --entity-type users
kafka-configs --describe --entity-type groups
kafka-configs --alter --topic words --add-config retention.ms=1
kafka-configs --alter --user u --add-config producer_byte_rate=1
kafka-configs --alter --user u --add-config SCRAM-SHA-256=[password=x]
kafka-acls --list
kafka-acls --add --topic words --allow-principal User:u
kafka-acls --remove --topic words --force
kafka-consumer-groups --list
kafka-consumer-groups --describe --group g
kafka-consumer-groups --describe --group g --members --verbose
kafka-consumer-groups --describe --group g --state
kafka-consumer-groups --delete --group g
kafka-consumer-groups --delete-offsets --group g --topic words
kafka-consumer-groups --reset-offsets --group g --topic words --to-earliest --execute
kafka-get-offsets --topic words
kafka-cluster cluster-id
kafka-cluster list-endpoints
kafka-cluster unregister --id 1
kafka-broker-api-versions
`) {
		_ = runAll(t, c.ListenAddrs()[0], strings.TrimSpace(line)+" --bootstrap-server ADDR")
	}
	for line := range strings.Lines(`topics list
topics describe words
topics create new
topics alter words --partitions 3
topics alter words --set retention.ms=1
topics delete words
configs get topic words
configs set topic words retention.ms=1
groups list
groups describe g
groups lag
groups delete g
groups reset-offsets g --to start --topic words
cluster info
cluster health
consume words
`) {
		_ = runAll(t, c.ListenAddrs()[0], strings.TrimSpace(line)+" -b ADDR --timeout 1s")
	}
}

// What the page calls a list is one, and never null.
func TestListsThatAreEmpty(t *testing.T) {
	address := strange(t, kmsg.Metadata, func(request kmsg.Request) kmsg.Response {
		answer := bare(kmsg.StringPtr("words"))(request).(*kmsg.MetadataResponse)
		partition := kmsg.NewMetadataResponseTopicPartition()
		partition.Leader, partition.ErrorCode = -1, kerr.LeaderNotAvailable.Code
		answer.Topics[0].ErrorCode, answer.Topics[0].Partitions = 0, append(answer.Topics[0].Partitions, partition)
		return answer
	})
	if got := runAll(t, address, "topics describe words --json --timeout 300ms -b ADDR"); !strings.Contains(got, `"isr": []`) || strings.Contains(got, "null") {
		t.Error(got)
	}
}
