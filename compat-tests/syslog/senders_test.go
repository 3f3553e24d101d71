package syslog

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/matrix"
	"github.com/barnabas-mq/barnabas/compat-tests/target"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
	"github.com/barnabas-mq/barnabas/compat-tests/world"
)

// sender is a program of Debian's that sends to Kafka beside its work.
type sender struct {
	name     string
	packages []string
	says     string // what is found in each of its records
	// config writes what it reads; port is free for it.
	config func(root, dir, bootstrap, topic string, port int) string
	// command is run on the unpacked packages, in the foreground.
	command func(root, config string) *exec.Cmd
	// prompt has it send; nil for one that does so by itself.
	prompt func(port int) error
}

var senders = []sender{
	{
		name: "collectd", packages: []string{"collectd-core", "librdkafka1"}, says: `"host":"feeder","plugin":"uptime"`,
		config: func(root, dir, bootstrap, topic string, _ int) string {
			return fmt.Sprintf(`
Hostname "feeder"
FQDNLookup false
BaseDir "%[2]s"
PIDFile "%[2]s/pid"
PluginDir "%[1]s/usr/lib/collectd"
TypesDB "%[1]s/usr/share/collectd/types.db"
Interval 1
LoadPlugin uptime
LoadPlugin write_kafka
<Plugin write_kafka>
  Property "metadata.broker.list" "%[3]s"
  <Topic "%[4]s">
    Format JSON
  </Topic>
</Plugin>
`, root, dir, bootstrap, topic)
		},
		command: func(root, config string) *exec.Cmd {
			return exec.Command(filepath.Join(root, "usr/sbin/collectd"), "-f", "-C", config)
		},
	},
	{
		name: "proftpd", packages: []string{"proftpd-core", "proftpd-mod-kafka"}, says: "127.0.0.1",
		config: func(root, dir, bootstrap, topic string, port int) string {
			return fmt.Sprintf(`
ModulePath %[1]s/usr/lib/proftpd
LoadModule mod_kafka.c
ServerType standalone
ServerName feeder
DefaultAddress 127.0.0.1
UseIPv6 off
UseReverseDNS off
SocketBindTight on
Port %[5]d
User nobody
Group nogroup
PidFile %[2]s/pid
ScoreboardFile none
WtmpLog off
LogFormat %[4]s "%%h %%m"
KafkaEngine on
KafkaBroker %[3]s
KafkaLog %[2]s/kafka.log
KafkaLogOnEvent ALL %[4]s
`, root, dir, bootstrap, topic, port)
		},
		command: func(root, config string) *exec.Cmd {
			return exec.Command(filepath.Join(root, "usr/sbin/proftpd"), "-n", "-q", "-c", config)
		},
		prompt: func(port int) error { return visit(fmt.Sprintf("127.0.0.1:%d", port)) },
	},
}

// TestSenders: what speaks to Kafka beside its work gets a message through, of its own
// configuration and through its own version of librdkafka.
func TestSenders(t *testing.T) {
	for _, s := range senders {
		t.Run(s.name, func(t *testing.T) {
			matrix.Works(t, s.name, "of Debian", "C", "a message arrives", target.Column())
			root := testbed.UnpackPackages(t, s.packages...)
			w := world.New(t)
			w.CreateTopics(1, s.name)
			ports, err := testbed.FreePorts(1)
			if err != nil {
				t.Fatal(err)
			}
			dir := w.TempDir()
			config := filepath.Join(dir, configName)
			if err := os.WriteFile(config, []byte(s.config(root, dir, w.Broker.Bootstrap(), s.name, ports[0])), 0o644); err != nil {
				t.Fatal(err)
			}
			cmd := s.command(root, config)
			cmd.Env = append(os.Environ(), testbed.Libraries(root))
			running := testbed.StartProgram(w, cmd, func([]byte) {})
			if s.prompt != nil {
				if err := untilDone(running, func() error { return s.prompt(ports[0]) }); err != nil {
					t.Fatalf("%v\n%s", err, running.Tail())
				}
			}
			found := false
			if !world.Poll(w.Context(), w.Reader(s.name), world.SettleTimeout,
				func(record *kgo.Record) { found = found || strings.Contains(string(record.Value), s.says) },
				func() bool { return found }) {
				t.Errorf("no record of %s says %s\n%s", s.name, s.says, running.Tail())
			}
		})
	}
}

// untilDone tries until the program, which may still be starting, answers.
func untilDone(p *testbed.Program, try func() error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(startTimeout); ; {
		err := try()
		if err == nil || time.Now().After(end) {
			return err
		}
		select {
		case <-p.Done():
			return fmt.Errorf("it ended: %v", p.Err())
		case <-tick.C:
		}
	}
}

// visit is a session with an FTP server, up to where it asks for a password.
func visit(address string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(startTimeout)); err != nil {
		return err
	}
	in := bufio.NewReader(conn)
	for _, command := range []string{"USER somebody\r\n", "QUIT\r\n"} {
		if _, err := in.ReadString('\n'); err != nil {
			return err
		}
		if _, err := conn.Write([]byte(command)); err != nil {
			return err
		}
	}
	_, err = in.ReadString('\n')
	return err
}
