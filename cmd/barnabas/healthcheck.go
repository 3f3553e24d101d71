package main

import (
	"cmp"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/barnabas-mq/barnabas/config"
)

// healthcheckTimeout is how long a broker may take to answer. It answers in
// well under a millisecond; container health checks give up after some seconds.
const healthcheckTimeout = 3 * time.Second

const defaultAddress = "localhost:9092"

func healthcheck(args []string, _, errOut io.Writer) error {
	set := pflag.NewFlagSet("healthcheck", pflag.ContinueOnError)
	set.SetOutput(errOut)
	address := set.String("bootstrap-server", "", "`HOST:PORT` of the broker; else what the environment makes the broker listen on, or localhost:9092")
	secured := set.Bool("tls", false, "the address has a listener with TLS; whose certificate it shows is not looked at")
	if err := set.Parse(args); err != nil {
		return usageError(err)
	}
	if set.NArg() > 0 {
		return usageError(fmt.Errorf("healthcheck takes no argument %q", set.Arg(0)))
	}
	if *address == "" {
		var hasTLS bool
		*address, hasTLS = ownAddress(os.Environ())
		*secured = *secured || hasTLS
	}
	if err := askVersions(*address, *secured); err != nil {
		return fmt.Errorf("no broker answers at %s: %w", *address, err)
	}
	return nil
}

// ownAddress is where a broker with this environment listens: a container's health
// check has the environment of its broker, and nothing else. A listener in plaintext
// comes before those with TLS.
func ownAddress(environ []string) (address string, secured bool) {
	p, err := planFamily(config.Apache, nil, environ)
	if err != nil {
		return defaultAddress, false
	}
	settings, err := p.start.load()
	if err != nil {
		return defaultAddress, false // the broker says what is wrong
	}
	b, err := settings.Broker(nil, nil)
	if err != nil {
		return defaultAddress, false
	}
	for _, l := range b.Listeners {
		_, hasTLS := b.ListenerSSL[l.Name]
		if l.Port == 0 || address != "" && (hasTLS || !secured) {
			continue
		}
		host := l.Host
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			host = "localhost"
		}
		address, secured = net.JoinHostPort(host, strconv.Itoa(l.Port)), hasTLS
	}
	return cmp.Or(address, defaultAddress), secured
}

// apiVersionsV0 is ApiVersions version 0 with correlation id 1 and the client id
// "healthcheck": the one request that every Kafka broker answers to anybody.
var apiVersionsV0 = append([]byte{0, 0, 0, 21, 0, 18, 0, 0, 0, 0, 0, 1, 0, 11}, "healthcheck"...)

func askVersions(address string, secured bool) error {
	c, err := net.DialTimeout("tcp", address, healthcheckTimeout)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(healthcheckTimeout)); err != nil {
		return err
	}
	if secured {
		// Whether it lives is the question, not who it is.
		shown := tls.Client(c, &tls.Config{InsecureSkipVerify: true})
		err := shown.Handshake()
		if isRefusal(err) {
			return nil
		}
		if err != nil {
			return err
		}
		c = shown
	}
	if _, err := c.Write(apiVersionsV0); err != nil {
		return err
	}
	var head [10]byte // length, correlation id, error code
	if _, err := io.ReadFull(c, head[:]); isRefusal(err) {
		return nil
	} else if err != nil {
		return fmt.Errorf("the connection ended without an answer: %w", err)
	}
	if id, code := binary.BigEndian.Uint32(head[4:]), binary.BigEndian.Uint16(head[8:]); id != 1 || code != 0 {
		return fmt.Errorf("the answer is not Kafka's (correlation id %d, error code %d)", id, code)
	}
	return nil
}

// isRefusal tells that a broker with TLS has answered, with an alert: it lives, and wants
// a certificate that a health check has not. With TLS 1.3 that comes after the handshake.
func isRefusal(err error) bool {
	var remote *net.OpError
	return errors.As(err, &remote) && remote.Op == "remote error"
}
