package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// topicToCreate is one entry of KAFKA_CREATE_TOPICS.
type topicToCreate struct {
	name       string
	partitions int32 // -1 is the broker's default
	replicas   int16 // likewise
	cleanup    string
}

// topicsToCreate reads KAFKA_CREATE_TOPICS as the wurstmeister image has it:
// name:partitions:replicas[:cleanup], separated by commas or lines, or by what
// KAFKA_CREATE_TOPICS_SEPARATOR says.
func topicsToCreate(environ []string) (topics []topicToCreate, err error) {
	text := orElse(variable(environ, "KAFKA_CREATE_TOPICS"), variable(environ, "CREATE_TOPICS")) // Debezium's name
	text = strings.Trim(text, `"' `)
	separators := ",\n\r"
	if own := variable(environ, "KAFKA_CREATE_TOPICS_SEPARATOR"); own != "" && !strings.HasPrefix(own, "$") {
		separators += own
	}
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		fields := strings.Split(part, ":")
		t := topicToCreate{name: strings.TrimSpace(fields[0]), partitions: -1, replicas: -1}
		if len(fields) > 4 || t.name == "" {
			return nil, fmt.Errorf("KAFKA_CREATE_TOPICS: %q is not of the form name:partitions:replicas[:cleanup policy]", part)
		}
		for i, field := range fields[1:] {
			field = strings.TrimSpace(field)
			if i == 2 {
				t.cleanup = field
				continue
			}
			n, err := strconv.ParseInt(field, 10, 16)
			if err != nil || n < 1 {
				return nil, fmt.Errorf("KAFKA_CREATE_TOPICS: %q in %q is no number of partitions or replicas", field, part)
			}
			if i == 0 {
				t.partitions = int32(n)
			} else {
				t.replicas = int16(n)
			}
		}
		topics = append(topics, t)
	}
	return topics, nil
}

// createTimeout bounds the making of topics. It takes milliseconds.
const createTimeout = 30 * time.Second

// createTopics makes them as any client would. Those that are there already stay
// as they are.
func createTopics(ctx context.Context, address string, topics []topicToCreate) error {
	if len(topics) == 0 {
		return nil
	}
	request := kmsg.NewPtrCreateTopicsRequest()
	// Version 4 is the last with a plain header and the first that takes -1 for the
	// broker's defaults (KIP-464).
	request.SetVersion(4)
	request.TimeoutMillis = int32(createTimeout.Milliseconds())
	for _, t := range topics {
		one := kmsg.NewCreateTopicsRequestTopic()
		one.Topic, one.NumPartitions, one.ReplicationFactor = t.name, t.partitions, t.replicas
		if t.cleanup != "" {
			c := kmsg.NewCreateTopicsRequestTopicConfig()
			c.Name, c.Value = "cleanup.policy", &t.cleanup
			one.Configs = append(one.Configs, c)
		}
		request.Topics = append(request.Topics, one)
	}
	body, err := askOnce(ctx, address, request)
	if err != nil {
		return fmt.Errorf("creating the topics of KAFKA_CREATE_TOPICS: %w", err)
	}
	answer := kmsg.NewPtrCreateTopicsResponse()
	answer.SetVersion(4)
	if err := answer.ReadFrom(body); err != nil {
		return fmt.Errorf("creating the topics of KAFKA_CREATE_TOPICS: %w", err)
	}
	const topicAlreadyExists = 36
	for _, t := range answer.Topics {
		if t.ErrorCode == 0 || t.ErrorCode == topicAlreadyExists {
			continue
		}
		reason := ""
		if t.ErrorMessage != nil {
			reason = ": " + *t.ErrorMessage
		}
		return fmt.Errorf("KAFKA_CREATE_TOPICS: topic %q cannot be created (error code %d%s)", t.Topic, t.ErrorCode, reason)
	}
	return nil
}

// answerBytesMax is far above an answer about a hundred topics.
const answerBytesMax = 16 << 20

// askOnce sends one request of a version with plain headers and returns the
// answer's body.
func askOnce(ctx context.Context, address string, request kmsg.Request) ([]byte, error) {
	dialer := net.Dialer{Timeout: createTimeout}
	c, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	if err := c.SetDeadline(time.Now().Add(createTimeout)); err != nil {
		return nil, err
	}
	const correlation = 1
	format := kmsg.NewRequestFormatter(kmsg.FormatterClientID("barnabas"))
	if _, err := c.Write(format.AppendRequest(nil, request, correlation)); err != nil {
		return nil, err
	}
	var head [8]byte // length, correlation id
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return nil, fmt.Errorf("the connection ended without an answer: %w", err)
	}
	length := int32(binary.BigEndian.Uint32(head[:]))
	if id := binary.BigEndian.Uint32(head[4:]); id != correlation || length < 4 || length > answerBytesMax {
		return nil, fmt.Errorf("the answer is not Kafka's (correlation id %d, length %d)", id, length)
	}
	body := make([]byte, length-4)
	_, err = io.ReadFull(c, body)
	return body, err
}
