package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

const rdkafkaFolder = "github.com/barnabas-mq/barnabas/compat-tests/bench"

// noCompiler tells that librdkafka, which is written in C, cannot be built.
func noCompiler() string {
	compiler := strings.Fields(said("go", "env", "CC"))
	if len(compiler) == 0 {
		return "no C compiler"
	}
	if _, err := exec.LookPath(compiler[0]); err != nil {
		return "no C compiler (" + compiler[0] + ")"
	}
	return ""
}

// buildRdkafka builds the program of the folder rdkafka once.
var buildRdkafka = sync.OnceValues(func() (binary string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(said("go", "list", "-f", "{{.Dir}}", rdkafkaFolder), "rdkafka")
	binary = filepath.Join(cache, "barnabas-bench", "rdkafka")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Dir, build.Env = folder, append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", folder, err, out)
	}
	return binary, nil
})

// runRdkafka produces and then consumes one topic by librdkafka.
func runRdkafka(b contender, o options) (phases []phase, err error) {
	binary, err := buildRdkafka()
	if err != nil {
		return nil, err
	}
	count := int64(o.sizeMiB) << 20 / recordBytes
	err = withTopic(b, partitions, func(ctx context.Context, topic string) error {
		load := func(what string) (phase, error) {
			var took time.Duration
			p, err := timed(b, o, what+" 1 KiB, librdkafka", func() (_, _ int64, err error) {
				took, err = rdkafka(ctx, binary, what, b, topic, count)
				return count * recordBytes, 0, err
			})
			p.wall = took // without the start of the program
			return p, err
		}
		produced, err := load("produce")
		if err != nil {
			return err
		}
		phases = []phase{produced}
		if err := verifyBatches(b, topic, partitions, count, 0); err != nil || b.Name() == nullBroker {
			return err
		}
		consumed, err := load("consume")
		phases = append(phases, consumed)
		return err
	})
	return phases, err
}

// rdkafka runs the program and returns how long its load took.
func rdkafka(ctx context.Context, binary, what string, b contender, topic string, count int64) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, binary, "-bootstrap", b.Bootstrap(), "-topic", topic, "-n", strconv.FormatInt(count, 10), "-size", strconv.Itoa(recordBytes), what)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, err
	}
	nanos, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	return time.Duration(nanos), err
}
