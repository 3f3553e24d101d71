package main

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"
)

func orElse(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

// besideKafka listens where waits for Redpanda look beside Kafka's port: schema
// registry, REST proxy and administration. Nothing is there yet, and that is what
// they answer.
func besideKafka(addresses []string, log *slog.Logger) (closeAll func()) {
	var open []net.Listener
	for _, address := range addresses {
		l, err := net.Listen("tcp", address)
		if err != nil {
			log.Warn("a port of Redpanda stays closed", "address", address, "error", err)
			continue
		}
		open = append(open, l)
		go answerNotFound(l) // ends when the listener is closed
	}
	return func() {
		for _, l := range open {
			_ = l.Close()
		}
	}
}

// answerNotFound answers every HTTP request with 404, which is also what Redpanda's
// administration port says of its root.
func answerNotFound(l net.Listener) {
	taken := make(chan struct{}, httpConnectionsMax)
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		taken <- struct{}{} // the others wait for their turn
		go func() {
			defer func() { <-taken }()
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(httpPatience))
			request := bufio.NewReader(io.LimitReader(conn, httpRequestBytesMax))
			for {
				line, err := request.ReadString('\n')
				if err != nil {
					return
				}
				if strings.TrimSpace(line) == "" {
					break
				}
			}
			const body = "Barnabas has no such service\n"
			fmt.Fprintf(conn, "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body)
		}()
	}
}

// All are much for requests of a few lines.
const (
	httpConnectionsMax  = 64
	httpPatience        = 5 * time.Second
	httpRequestBytesMax = 64 << 10
)
