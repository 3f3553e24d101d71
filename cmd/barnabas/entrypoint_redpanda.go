package main

import (
	"bufio"
	"fmt"
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

// redpandaFlags takes --name value and --name=value apart; the last one wins.
func redpandaFlags(flags []string) map[string]string {
	given := make(map[string]string)
	for i, word := range flags {
		name, isFlag := strings.CutPrefix(word, "--")
		if !isFlag {
			continue
		}
		name, value, inOne := strings.Cut(name, "=")
		if !inOne && i+1 < len(flags) && !strings.HasPrefix(flags[i+1], "--") {
			value = flags[i+1]
		}
		given[name] = value
	}
	return given
}

// splitAddresses reads NAME://HOST:PORT|AUTH,...; a name may be missing.
func splitAddresses(text string) (all []string) {
	for part := range strings.SplitSeq(text, ",") {
		address, _, _ := strings.Cut(strings.TrimSpace(part), "|")
		switch {
		case address == "":
			continue
		case !strings.Contains(address, "://"):
			address = "PLAINTEXT://" + address
		}
		all = append(all, address)
	}
	return all
}

// otherRedpandaPorts are what waits for Redpanda look at beside Kafka's port:
// schema registry, REST proxy and administration. Nothing is there yet, and that is
// what they answer.
func otherRedpandaPorts(flags []string, log *slog.Logger) (closeAll func()) {
	given := redpandaFlags(flags)
	var open []net.Listener
	for _, one := range []struct{ flag, address string }{{"schema-registry-addr", "0.0.0.0:8081"}, {"pandaproxy-addr", "0.0.0.0:8082"}, {"", "0.0.0.0:9644"}} {
		address := one.address
		if all := splitAddresses(given[one.flag]); len(all) > 0 {
			_, address, _ = strings.Cut(all[0], "://")
		}
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
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(httpPatience))
			request := bufio.NewReader(conn)
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

// httpPatience is long for a request of a few lines.
const httpPatience = 5 * time.Second
