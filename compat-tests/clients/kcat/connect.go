package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/barnabas-mq/barnabas/compat-tests/clients/program"
)

// Exchange runs kcat twice. Its tokens are its own: it makes unsigned ones of a name.
func (client) Exchange(ctx context.Context, c program.Connection, out *program.Output) error {
	produce := connecting(ctx, c, "-P", "-t", c.Topic, "-p", "0", "-X", fmt.Sprintf("message.timeout.ms=%d", c.PatienceMS))
	produce.Stdin = strings.NewReader(strings.Join(c.Values, "\n"))
	if err := told(produce); err != nil {
		return err
	}
	consume := connecting(ctx, c, "-C", "-t", c.Topic, "-p", "0", "-o", "beginning", "-c", strconv.Itoa(len(c.Values)), "-q", "-u", "-f", recordFormat)
	var records bytes.Buffer
	consume.Stdout = &records
	if err := told(consume); err != nil {
		return err
	}
	return eachRecord(&records, out.Record)
}

func connecting(ctx context.Context, c program.Connection, args ...string) *exec.Cmd {
	cmd := kcat(ctx, program.Options{Bootstrap: c.Bootstrap}, args...)
	set := func(name, value string) {
		if value != "" {
			cmd.Args = append(cmd.Args, "-X", name+"="+value)
		}
	}
	set("security.protocol", c.Protocol)
	set("ssl.ca.location", c.CA)
	set("ssl.certificate.location", c.Certificate)
	set("ssl.key.location", c.Key)
	set("sasl.mechanism", c.Mechanism)
	switch c.Mechanism {
	case "OAUTHBEARER":
		set("enable.sasl.oauthbearer.unsecure.jwt", "true")
		set("sasl.oauthbearer.config", "principal="+c.User)
	case "GSSAPI":
		set("sasl.kerberos.service.name", c.Kerberos.Service)
		set("sasl.kerberos.principal", c.User+"@"+c.Kerberos.Realm)
		set("sasl.kerberos.keytab", c.Kerberos.Keytab)
		set("sasl.kerberos.kinit.cmd", c.Kerberos.Kinit+` -k -t "%{sasl.kerberos.keytab}" %{sasl.kerberos.principal}`)
		cmd.Env = append(os.Environ(), c.Kerberos.Environment...)
	default:
		set("sasl.username", c.User)
		set("sasl.password", c.Password)
	}
	return cmd
}

// told runs kcat; what it prints of an error is the error.
func told(cmd *exec.Cmd) error {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	if err == nil {
		return nil
	}
	for line := range strings.Lines(stderr.String()) {
		if _, text, found := strings.Cut(line, "ERROR: "); found {
			return errors.New(strings.TrimSpace(text))
		}
	}
	return fmt.Errorf("%w: %s", err, &stderr)
}
