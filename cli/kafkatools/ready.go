package kafkatools

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// confluentUtility is the part of cub and ub that start scripts and health checks use:
//
//	cub kafka-ready -b HOST:PORT BROKERS SECONDS
//	ub  kafka-ready BROKERS SECONDS -b HOST:PORT
//
// It waits until so many brokers are there (confluentinc/common-docker, cub.py and ub.go).
func confluentUtility(t *tool, args []string) error {
	if len(args) == 0 || args[0] != "kafka-ready" {
		return fmt.Errorf("%s: only kafka-ready is there: %s kafka-ready -b HOST:PORT BROKERS SECONDS", t.name, t.name)
	}
	var bootstrap, config string
	var rest []string
	for args = args[1:]; len(args) > 0; args = args[1:] {
		name, value, hasValue := strings.Cut(args[0], "=")
		var into *string
		switch strings.TrimLeft(name, "-") {
		case "b", "bootstrap-servers", "bootstrap_broker_list":
			into = &bootstrap
		case "c", "config", "z", "s":
			into = &config
		default:
			rest = append(rest, args[0])
			continue
		}
		if !hasValue && len(args) > 1 {
			args = args[1:]
			value = args[0]
		}
		*into = value
	}
	if len(rest) < 2 || bootstrap == "" {
		return fmt.Errorf("usage: %s kafka-ready -b HOST:PORT BROKERS SECONDS", t.name)
	}
	want, err := strconv.Atoi(rest[0])
	seconds, err2 := strconv.Atoi(rest[1])
	if err := errors.Join(err, err2); err != nil {
		return fmt.Errorf("%s kafka-ready: %w", t.name, err)
	}
	settings, err := readProperties(config)
	if err != nil {
		return err
	}
	limit := time.Duration(seconds) * time.Second
	settings["default.api.timeout.ms"] = strconv.FormatInt(limit.Milliseconds(), 10)
	client, err := t.connect(strings.TrimPrefix(bootstrap, "PLAINTEXT://"), settings)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.ctx, limit)
	defer cancel()
	for have := 0; ; {
		request := kmsg.NewMetadataRequest()
		request.Topics = []kmsg.MetadataRequestTopic{}
		answer, err := request.RequestWith(ctx, client)
		if err == nil {
			have = len(answer.Brokers)
		}
		if have >= want {
			return nil
		}
		pause := time.NewTimer(retryPause)
		select {
		case <-ctx.Done():
			pause.Stop()
			return says("Expected %d brokers but found only %d. Brokers found in %v", want, have, limit)
		case <-pause.C:
		}
	}
}
