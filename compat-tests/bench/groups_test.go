package main

import (
	"errors"
	"net"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// The places where the generator looks for error codes are those of the encoder.
func TestCheckGroupAnswers(t *testing.T) {
	for _, code := range []int16{0, 25} {
		partition := kmsg.NewOffsetCommitResponseTopicPartition()
		partition.ErrorCode = code
		topic := kmsg.NewOffsetCommitResponseTopic()
		topic.Topic, topic.Partitions = "topic", append(topic.Partitions, partition)
		commit := &kmsg.OffsetCommitResponse{Version: 7, Topics: []kmsg.OffsetCommitResponseTopic{topic}}
		if err := checkCommit(commit.AppendTo(nil), "topic"); (err == nil) != (code == 0) {
			t.Errorf("commit with code %d: %v", code, err)
		}
		heartbeat := &kmsg.HeartbeatResponse{Version: 4, ErrorCode: code}
		header := []byte{0}
		if err := checkHeartbeat(heartbeat.AppendTo(header)); (err == nil) != (code == 0) {
			t.Errorf("heartbeat with code %d: %v", code, err)
		}
	}
	if checkCommit(nil, "topic") == nil || checkHeartbeat(nil) == nil {
		t.Error("an empty answer is none")
	}
}

// A meeting ends when all are in one generation, not when as many have arrived in
// several, and with the first error.
func TestMeeting(t *testing.T) {
	m := newMeeting(2)
	m.arrive(1)
	m.arrive(2)
	select {
	case <-m.done:
		t.Fatal("two generations make no meeting")
	default:
	}
	m.arrive(2)
	if err := m.wait(); err != nil || m.generation != 2 {
		t.Errorf("generation %d, error %v", m.generation, err)
	}
	failed := newMeeting(2)
	failed.end(errors.New("first"))
	failed.end(errors.New("second"))
	if err := failed.wait(); err == nil || err.Error() != "first" {
		t.Errorf("ended with %v", err)
	}
}

// A burst driver gets every answer, however the frames fall into bursts, and hears
// of one that is wrong.
func TestInBursts(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // the test ends
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go echo(conn)
		}
	}()
	for _, n := range []int{1, 4, 5, 11} {
		conn, err := wire.Dial(listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		seen, wrong := 0, errors.New("wrong")
		next := func(burst []byte, i int) []byte { return append(burst, 0, 0, 0, 5, 0, 0, 0, 0, byte(i)) }
		check := func(body []byte) error {
			if int(body[0]) != seen {
				return wrong
			}
			seen++
			return nil
		}
		if err := inBursts(conn, next, n, 4, check); err != nil || seen != n {
			t.Errorf("%d of %d answers: %v", seen, n, err)
		}
		if err := inBursts(conn, next, n, 4, check); !errors.Is(err, wrong) {
			t.Errorf("answers that are not right give %v", err)
		}
		_ = conn.Close()
	}
}

// echo sends back what it gets until the peer leaves.
func echo(conn net.Conn) {
	defer conn.Close() //nolint:errcheck // the peer has left
	buf := make([]byte, 512)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		if _, err := conn.Write(buf[:n]); err != nil {
			return
		}
	}
}
