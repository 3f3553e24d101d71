// Command null is a broker that does nothing: it answers every Heartbeat and
// ApiVersions with "no error" from a frame made beforehand, with one goroutine and
// one read and one write per batch of requests on a connection. What it costs is
// the floor for a request of that size through Go's network code, and the share of
// the driver in a figure. It says on its first line of output that it serves.
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

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	heartbeatKey    = 12
	apiVersionsKey  = 18
	requestBytesMax = 1 << 20
)

func main() {
	port := flag.Int("port", 0, "port to listen on")
	_ = flag.String("data", "", "nothing is kept")
	flag.Parse()
	if err := run(*port); err != nil {
		fmt.Fprintln(os.Stderr, "null:", err)
		os.Exit(1)
	}
}

func run(port int) error {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	fmt.Println("ready")
	go func() { // ends when the process does
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	<-signals
	return listener.Close()
}

// serve answers until the peer leaves or asks for something else.
func serve(conn net.Conn) {
	defer conn.Close() //nolint:errcheck // the peer has left
	reader := bufio.NewReaderSize(conn, 16<<10)
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
		if out, known = answer(out, frame); !known {
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

// answer appends the whole answer to a request, whatever it says.
func answer(out, request []byte) (_ []byte, known bool) {
	version := int16(binary.BigEndian.Uint16(request[2:]))
	var response kmsg.Response
	switch binary.BigEndian.Uint16(request) {
	case heartbeatKey:
		response = &kmsg.HeartbeatResponse{Version: version}
	case apiVersionsKey:
		response = versions(version)
	default:
		return out, false
	}
	start := len(out)
	out = append(out, 0, 0, 0, 0)
	out = append(out, request[4:8]...) // correlation id
	if response.IsFlexible() && response.Key() != apiVersionsKey {
		out = append(out, 0) // no tagged fields
	}
	out = response.AppendTo(out)
	binary.BigEndian.PutUint32(out[start:], uint32(len(out)-start-4))
	return out, true
}

func versions(version int16) kmsg.Response {
	response := kmsg.NewPtrApiVersionsResponse()
	response.Version = version
	for key, newest := range map[int16]int16{heartbeatKey: 4, apiVersionsKey: 3} {
		one := kmsg.NewApiVersionsResponseApiKey()
		one.ApiKey, one.MaxVersion = key, newest
		response.ApiKeys = append(response.ApiKeys, one)
	}
	return response
}
