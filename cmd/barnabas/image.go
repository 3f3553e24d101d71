package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
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
		var p plan
		var err error
		if f == config.Redpanda {
			p, err = planRpk(append([]string{"start"}, args[1:]...), os.Environ())
		} else {
			p, err = planFamily(f, args[1:], os.Environ())
		}
		if err != nil {
			return usageError(err)
		}
		return p.start.run(out, errOut)
	}
	return usageError(fmt.Errorf("there is no family %q", args[0]))
}

// writeProperties writes the file that cp's configure makes of the environment. In a
// read-only container there is none; the broker needs none.
func writeProperties(environ []string, name string) error {
	text, err := storageProperties(config.Confluent, environ)
	if err != nil {
		return usageError(err)
	}
	err = os.WriteFile(name, text, 0o644)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return nil
	}
	return err
}

// storageProperties are what kafka-storage reads of a properties file, as a start with
// this environment has them.
func storageProperties(f config.Family, environ []string) ([]byte, error) {
	s := imageStart{family: f, environ: environ, profile: imageProfile(environ)}
	settings, err := s.load()
	if err != nil {
		return nil, err
	}
	b, err := settings.Broker(nil, nil)
	if err != nil {
		return nil, err
	}
	text := fmt.Appendf(nil, "process.roles=broker,controller\ncontroller.listener.names=CONTROLLER\nnode.id=%d\nlog.dirs=%s\n", b.NodeID, b.LogDirs[0])
	if voters := variable(environ, "KAFKA_CONTROLLER_QUORUM_VOTERS"); voters != "" {
		text = fmt.Appendf(text, "controller.quorum.voters=%s\n", voters)
	}
	return text, nil
}

// withStorageProperties gives kafka-storage a file in place of one that another image
// has and ours has not, because there the environment says all. done takes it away.
func withStorageProperties(args, environ []string) (given []string, done func(), err error) {
	done = func() {}
	at, prefix := -1, ""
	for i, word := range args {
		switch {
		case (word == "-c" || word == "--config") && i+1 < len(args):
			at = i + 1
		case strings.HasPrefix(word, "--config="):
			at, prefix = i, "--config="
		}
	}
	if at < 0 {
		return args, done, nil
	}
	name := strings.TrimPrefix(args[at], prefix)
	if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) || !slices.Contains(config.Apache.ConfigFiles(), name) {
		return args, done, nil
	}
	text, err := storageProperties(familyOfFile(name), environ)
	if err != nil {
		return nil, done, err
	}
	file, err := os.CreateTemp("", "kafka-storage-*.properties")
	if err != nil {
		return nil, done, err
	}
	done = func() { _ = os.Remove(file.Name()) } // what is left is no harm
	_, err = file.Write(text)
	if closing := file.Close(); err == nil {
		err = closing
	}
	given = slices.Clone(args)
	given[at] = prefix + file.Name()
	return given, done, err
}

// familyOfFile tells whose image has a properties file of that name.
func familyOfFile(name string) config.Family {
	if strings.HasPrefix(name, "/etc/kafka/") {
		return config.Confluent
	}
	return config.Apache
}
