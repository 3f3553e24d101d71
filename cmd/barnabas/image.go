package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/barnabas-mq/barnabas/config"
)

// image is `barnabas image FAMILY` and `barnabas image configure`: what the
// scripts of the image's file tree call.
func image(args []string, out, errOut io.Writer) error {
	if len(args) == 0 {
		return usageError(errors.New("which family? There are apache, confluent, confluent-local, bitnami and redpanda"))
	}
	if args[0] == "configure" {
		return writeProperties(os.Environ(), "/etc/kafka/kafka.properties")
	}
	for _, f := range []config.Family{config.Apache, config.Confluent, config.ConfluentLocal, config.Bitnami, config.Redpanda} {
		if f.String() != args[0] {
			continue
		}
		p, err := planFamily(f, args[1:], os.Environ())
		if f == config.Redpanda {
			p, err = planRpk(append([]string{"start"}, args[1:]...), os.Environ())
		}
		if err != nil {
			return usageError(err)
		}
		return p.start.run(out, errOut)
	}
	return usageError(fmt.Errorf("there is no family %q", args[0]))
}

// writeProperties writes the file that cp's configure makes of the environment,
// as far as kafka-storage reads it. In a read-only container there is none; the
// broker needs none.
func writeProperties(environ []string, name string) error {
	s := imageStart{family: config.Confluent, environ: environ, profile: imageProfile(environ)}
	settings, err := s.load()
	if err != nil {
		return usageError(err)
	}
	b, err := settings.Broker(nil, nil)
	if err != nil {
		return usageError(err)
	}
	text := fmt.Sprintf("process.roles=broker,controller\nnode.id=%d\nlog.dirs=%s\n", b.NodeID, b.LogDirs[0])
	err = os.WriteFile(name, []byte(text), 0o644)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return nil
	}
	return err
}
