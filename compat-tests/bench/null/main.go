// Command null is a broker that stores nothing: it is the ceiling of what any
// broker can reach beside the same generator on the same machine. It reads whole
// requests and answers all that are in its buffer with one write, one goroutine
// per connection; Produce is read in place and costs no allocation. Of a topic it
// knows its partitions and how many records each was sent, so that generators that
// create a topic, send to it and ask for its ends run against it unchanged. It has
// no records to give back. It says on its first line of output that it serves.
package main

import (
	"bufio"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
)

// requestBytesMax is what Kafka's socket.request.max.bytes is by default.
const requestBytesMax = 100 << 20

func main() {
	port := flag.Int("port", 0, "port to listen on")
	_ = flag.String("data", "", "nothing is kept")
	flag.Parse()
	if err := run(int32(*port)); err != nil {
		fmt.Fprintln(os.Stderr, "null:", err)
		os.Exit(1)
	}
}

func run(port int32) error {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	topics := newTopics(port)
	fmt.Println("ready")
	go func() { // ends when the process does
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn, topics)
		}
	}()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	<-signals
	return listener.Close()
}

// serve answers until the peer leaves or asks for something else.
func serve(conn net.Conn, topics *topics) {
	defer conn.Close() //nolint:errcheck // the peer has left
	reader := bufio.NewReaderSize(conn, 64<<10)
	var out, frame []byte
	for {
		var head [4]byte
		if _, err := io.ReadFull(reader, head[:]); err != nil {
			return
		}
		n := int(binary.BigEndian.Uint32(head[:]))
		if n < 8 || n > requestBytesMax {
			return
		}
		if cap(frame) < n {
			frame = make([]byte, n)
		}
		frame = frame[:n]
		if _, err := io.ReadFull(reader, frame); err != nil {
			return
		}
		var known bool
		if out, known = topics.answer(out, frame); !known {
			return
		}
		if reader.Buffered() > 0 {
			continue
		}
		if _, err := conn.Write(out); err != nil {
			return
		}
		out = out[:0]
	}
}
