package clients

import (
	"fmt"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/clients/program"
	"github.com/barnabas-mq/barnabas/compat-tests/kerberos"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/target"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

const (
	ticketLogin = "GSSAPI"

	byTicket    = "TICKETS"
	byTicketTLS = "TICKETSTLS"

	// brokersName is the first part of the broker's principal, othersName of another service on the same host.
	brokersName = "kafka"
	othersName  = "HTTP"
	// stranger has a keytab, and the KDC does not know its principal any more.
	stranger = "mallory"
)

// ticketHolders are the clients with GSSAPI. Those of Python need a module that has no wheels for Linux, confluent-kafka's wheels
// are built without libsasl2, and kafka-go and the clients of Node have none.
var ticketHolders = []string{"java-4.3", "java-3.9", "franz-go", "sarama", "kcat"}

var ticketWays = []way{
	{name: "SASL_PLAINTEXT with GSSAPI", listener: byTicket, user: securedUser, service: brokersName, welcome: true},
	{name: "SASL_SSL with GSSAPI", listener: byTicketTLS, user: securedUser, service: brokersName, welcome: true},
	{name: "SASL_SSL with GSSAPI and no handshake", listener: byTicketTLS, user: securedUser, service: brokersName, bare: true, welcome: true},
	{name: "a ticket for another service", listener: byTicket, user: securedUser, service: othersName},
	{name: "a user whom the KDC does not know", listener: byTicket, user: stranger, service: brokersName},
}

// ticketed is a broker that takes the tickets of a KDC.
type ticketed struct {
	*secured
	kdc     *kerberos.KDC
	keytabs map[string]string // by user
}

func startTicketed(t *testing.T) *ticketed {
	t.Helper()
	s := &ticketed{
		secured: &secured{addresses: map[string]string{}, files: t.TempDir()},
		kdc:     kerberos.StartKDC(t), keytabs: map[string]string{},
	}
	s.writeCertificates(t)
	keytab := s.kdc.Keytab(t, kerberos.Service)
	s.kdc.Keytab(t, othersName+"/localhost")
	for _, user := range []string{securedUser, stranger} {
		s.keytabs[user] = s.kdc.Keytab(t, user)
	}
	s.kdc.Forget(t, stranger)
	properties := map[string]string{
		"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,TICKETS:SASL_PLAINTEXT,TICKETSTLS:SASL_SSL",
		"ssl.keystore.type":              "PEM", "ssl.keystore.location": s.file("server.pem"),
		"sasl.kerberos.service.name": brokersName,
	}
	ports, err := testbed.FreePorts(2)
	if err != nil {
		t.Fatal(err)
	}
	var beside []string
	for i, name := range []string{byTicket, byTicketTLS} {
		s.addresses[name] = fmt.Sprintf("localhost:%d", ports[i])
		beside = append(beside, name+"://"+s.addresses[name])
		properties[ofListener(name)+"gssapi.sasl.jaas.config"] = kerberos.Module(keytab, kerberos.Service, "isInitiator=false")
	}
	if version, isKafka := target.KafkaVersion(); isKafka {
		options := oracle.Options{Properties: properties, Version: version, Beside: beside, JVM: []string{"-Djava.security.krb5.conf=" + s.kdc.Config()}}
		s.bootstrap = oracle.Run(t, options).Bootstrap()
	} else {
		s.bootstrap = target.Run(t, properties, beside...).Bootstrap()
	}
	return s
}

// connection is what a program is told of a way.
func (s *ticketed) connection(t *testing.T, w way, topic string, values ...string) program.Connection {
	t.Helper()
	c := s.secured.connection(w, topic, values...)
	c.Mechanism, c.Protocol = ticketLogin, "SASL_PLAINTEXT"
	if w.listener == byTicketTLS {
		c.Protocol, c.CA = "SASL_SSL", s.file("ca.pem")
	}
	c.Kerberos = &program.Kerberos{
		Realm: kerberos.Realm, Config: s.kdc.Config(), Keytab: s.keytabs[w.user], Service: w.service, Bare: w.bare, Kinit: s.kdc.Program("usr/bin/kinit"),
		Environment: append(s.kdc.Environment(), "KRB5CCNAME=FILE:"+t.TempDir()+"/tickets"), // one for each kcat
	}
	return c
}

// TestTickets: the clients that have GSSAPI get in with tickets of MIT's KDC, over TLS and without, and have their records; who
// is not let in is told the same as by Kafka. With -rewrite and Kafka as the target the words are written anew.
func TestTickets(t *testing.T) {
	t.Parallel()
	broker, words := startTicketed(t), newRefusals(t, refusedTicketsFile, ticketWays)
	for _, name := range ticketHolders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := Install(t, clientNamed(t, name)).talk(t, "connect", broker.bootstrap)
			topics := make([]string, len(ticketWays))
			for i := range topics {
				topics[i] = fmt.Sprintf("%s-%d", name, i)
			}
			newJudge(t, broker.bootstrap).create(1, topics...)
			for i, w := range ticketWays {
				if w.bare && name != "sarama" {
					continue // no other client can leave it out any more
				}
				t.Run(w.name, func(t *testing.T) {
					sayHowToRunAlone(t)
					values := []string{"one", "two", "three"}
					records, e := x.ask(t, broker.connection(t, w, topics[i], values...))
					if !w.welcome {
						if e.Event != "refused" {
							t.Fatalf("%s lets it in", target.Name())
						}
						words.check(t, name, w.name, e.Message)
						return
					}
					x.checkLetIn(t, records, e, values)
				})
			}
		})
	}
}
