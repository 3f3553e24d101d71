package syslog

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// daemon is a program of Debian's and one way to configure it.
type daemon struct {
	name     string
	packages []string
	// config writes what the daemon reads; line is what it is fed through in dir.
	config func(dir, bootstrap, topic string) string
	// command is run on the unpacked packages, in the foreground.
	command func(root, dir string) (*exec.Cmd, error)
	// exact is that each line is written once, in order.
	exact bool
}

const (
	socketName = "in.sock"
	configName = "daemon.conf"
)

var (
	rsyslogPackages  = []string{"rsyslog", "rsyslog-kafka"}
	syslogNGPackages = []string{"syslog-ng-core", "syslog-ng-mod-rdkafka"}
)

var daemons = []daemon{
	{name: "rsyslog", packages: rsyslogPackages, command: rsyslog, config: rsyslogConfig()},
	{name: "rsyslog-idempotent", packages: rsyslogPackages, command: rsyslog, config: rsyslogConfig("enable.idempotence=true"), exact: true},
	{name: "syslog-ng", packages: syslogNGPackages, command: syslogNG, config: syslogNGConfig("")},
	{name: "syslog-ng-idempotent", packages: syslogNGPackages, command: syslogNG, config: syslogNGConfig(`"enable.idempotence"("true")`), exact: true},
}

func rsyslogConfig(more ...string) func(dir, bootstrap, topic string) string {
	return func(dir, bootstrap, topic string) string {
		params := append([]string{"queue.buffering.max.ms=5", "reconnect.backoff.max.ms=500"}, more...)
		return fmt.Sprintf(`
global(workDirectory="%[1]s")
module(load="imuxsock" SysSock.Use="off")
module(load="omkafka")
input(type="imuxsock" Socket="%[1]s/%[2]s" RateLimit.Interval="0")
template(name="line" type="string" string="%%msg%%")
action(type="omkafka" broker="%[3]s" topic="%[4]s" template="line" partitions.auto="on" confParam=["%[5]s"]
  resubmitOnFailure="on" keepFailedMessages="on" failedMsgFile="%[1]s/failed" action.resumeRetryCount="-1" action.resumeInterval="1")
`, dir, socketName, bootstrap, topic, strings.Join(params, `", "`))
	}
}

func rsyslog(root, dir string) (*exec.Cmd, error) {
	modules, err := folderOf(root, "omkafka.so")
	if err != nil {
		return nil, err
	}
	return exec.Command(filepath.Join(root, "usr/sbin/rsyslogd"), "-n", "-f", filepath.Join(dir, configName),
		"-i", filepath.Join(dir, "pid"), "-M", modules), nil
}

func syslogNGConfig(more string) func(dir, bootstrap, topic string) string {
	return func(dir, bootstrap, topic string) string {
		return fmt.Sprintf(`@version: current
options { stats-freq(0); };
source in { unix-dgram("%[1]s/%[2]s"); };
destination out { kafka-c(bootstrap-servers("%[3]s") topic("%[4]s") message("${MESSAGE}") config("queue.buffering.max.ms"("5") "reconnect.backoff.max.ms"("500") %[5]s)); };
log { source(in); destination(out); flags(flow-control); };
`, dir, socketName, bootstrap, topic, more)
	}
}

func syslogNG(root, dir string) (*exec.Cmd, error) {
	modules, err := folderOf(root, "libkafka.so")
	if err != nil {
		return nil, err
	}
	return exec.Command(filepath.Join(root, "usr/sbin/syslog-ng"), "-F", "--no-caps", "--module-path="+modules, "-f", filepath.Join(dir, configName),
		"-R", filepath.Join(dir, "persist"), "-c", filepath.Join(dir, "control"), "-p", filepath.Join(dir, "pid")), nil
}

// folderOf finds a file below a folder and returns where it is.
func folderOf(root, name string) (string, error) {
	found := ""
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.Name() == name {
			found = filepath.Dir(path)
			return filepath.SkipAll
		}
		return err
	})
	if err == nil && found == "" {
		err = fmt.Errorf("no %s in the packages", name)
	}
	return found, err
}
