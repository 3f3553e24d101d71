package program

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Connection is one line for the connect step: how to get in, and what to do there.
type Connection struct {
	Do        string `json:"do"` // "exchange"
	Bootstrap string `json:"bootstrap"`
	// Protocol is Kafka's security.protocol.
	Protocol string `json:"protocol"`
	// CA, Certificate and Key are PEM files: who signed the broker's certificate, and what the client shows, if
	// anything; the key is in the form of PKCS8, without a password.
	CA          string `json:"ca,omitempty"`
	Certificate string `json:"certificate,omitempty"`
	Key         string `json:"key,omitempty"`
	// Mechanism is Kafka's sasl.mechanism; User, Password and Token are what it is given.
	Mechanism string `json:"mechanism,omitempty"`
	User      string `json:"user,omitempty"`
	Password  string `json:"password,omitempty"`
	Token     string `json:"token,omitempty"`
	// Kerberos is what GSSAPI is given beside the user.
	Kerberos *Kerberos `json:"kerberos,omitempty"`
	// PatienceMS is for clients that try again where they are refused.
	PatienceMS int64 `json:"patience-ms"`
	// Topic has one partition; Values go there.
	Topic  string   `json:"topic"`
	Values []string `json:"values"`
}

// Kerberos is how a user has a ticket.
type Kerberos struct {
	Realm string `json:"realm"`
	// Config is a krb5.conf, Keytab the file with the user's keys.
	Config string `json:"config"`
	Keytab string `json:"keytab"`
	// Service is Kafka's sasl.kerberos.service.name.
	Service string `json:"service"`
	// Bare is for tokens without a handshake and without requests around them, as clients of Kafka 0.9 send them.
	Bare bool `json:"bare,omitempty"`
	// Kinit is MIT's program, Environment what it and MIT's library are given.
	Kinit       string   `json:"kinit"`
	Environment []string `json:"environment"`
}

// TLS is what the connection says of it, or nil without.
func (c Connection) TLS() (*tls.Config, error) {
	if !strings.HasSuffix(c.Protocol, "SSL") {
		return nil, nil
	}
	authorities, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	if !config.RootCAs.AppendCertsFromPEM(authorities) {
		return nil, fmt.Errorf("no certificate in %s", c.CA)
	}
	if c.Certificate != "" {
		own, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{own}
	}
	return config, nil
}

// ErrNoMechanism is for a mechanism that the library has not.
var ErrNoMechanism = errors.New("the library has no such mechanism")

// Connector is what clients implement that can show who they are.
type Connector interface {
	// Exchange sends the values, waits until all are acknowledged, and emits what it reads of the topic from its
	// beginning, as many records. An error is what the broker, or the client, has against it.
	Exchange(ctx context.Context, c Connection, out *Output) error
}

func connect(ctx context.Context, client Client, out *Output) error {
	connector, ok := client.(Connector)
	if !ok {
		return fmt.Errorf("no step connect in this client")
	}
	for decoder := json.NewDecoder(os.Stdin); ; {
		var c Connection
		if err := decoder.Decode(&c); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("connection on stdin: %w", err)
		}
		if err := connector.Exchange(ctx, c, out); err != nil {
			out.emit(map[string]any{"event": "refused", "message": err.Error()})
			continue
		}
		out.emit(map[string]any{"event": "done"})
	}
}
