package kafkatools

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// deleteRecords is kafka-delete-records (DeleteRecordsCommand).
func deleteRecords(t *tool, args []string) error {
	t.about = "This tool helps to delete records of the given partitions down to the specified offset."
	p := newParser(
		text("bootstrap-server", "server(s) to use for bootstrapping", "Required: addresses of brokers."),
		text("offset-json-file", "Offset json file path", `Required: file with {"partitions":[{"topic":"T","partition":0,"offset":1}],"version":1}.`),
		text("command-config", "command config property file path", "File with settings of the client."),
	)
	got, err := p.parse(args)
	if err != nil {
		return err
	}
	if err := t.helpOrVersion(p, args, got); err != nil {
		return err
	}
	if err := t.required(got, "bootstrap-server", "offset-json-file"); err != nil {
		return err
	}
	name := first(got.values("offset-json-file"))
	content, err := os.ReadFile(name)
	if err != nil {
		return says("Unable to read file %s", name)
	}
	upTo, err := offsetsOfJSON(content)
	if err != nil {
		return err
	}
	client, err := t.adminOf(got, first(got.values("bootstrap-server")))
	if err != nil {
		return err
	}
	defer client.Close()
	t.say("Executing records delete operation")
	request := kmsg.NewDeleteRecordsRequest()
	request.TimeoutMillis = int32(patience.Milliseconds())
	for p, offset := range upTo {
		topic := kmsg.NewDeleteRecordsRequestTopic()
		topic.Topic = p.Topic
		one := kmsg.NewDeleteRecordsRequestTopicPartition()
		one.Partition, one.Offset = p.Number, offset
		topic.Partitions = append(topic.Partitions, one)
		request.Topics = append(request.Topics, topic)
	}
	answer, err := request.RequestWith(t.ctx, client)
	if err != nil {
		return unreachable(err, "deleteRecords")
	}
	t.say("Records delete operation completed:")
	outcome := map[partition]string{}
	for p := range upTo {
		outcome[p] = "error: " + thrown(refused(kerr.UnknownTopicOrPartition.Code, nil))
	}
	for _, topic := range answer.Topics {
		for _, p := range topic.Partitions {
			said := fmt.Sprintf("low_watermark: %d", p.LowWatermark)
			if err := refused(p.ErrorCode, nil); err != nil {
				said = "error: " + thrown(err)
			}
			outcome[partition{Topic: topic.Topic, Number: p.Partition}] = said
		}
	}
	for _, p := range inMapOrder(upTo) {
		t.say("partition: %s-%d\t%s", p.Topic, p.Number, outcome[p])
	}
	return nil
}

// offsetsOfJSON reads the file of kafka-delete-records.
func offsetsOfJSON(content []byte) (map[partition]int64, error) {
	var file struct {
		Version    json.RawMessage `json:"version"`
		Partitions json.RawMessage `json:"partitions"`
	}
	if err := json.Unmarshal(content, &file); err != nil {
		return nil, says("The input string is not a valid JSON")
	}
	if version := 1; file.Version != nil {
		if err := field(map[string]json.RawMessage{"version": file.Version}, "version", "Integer", &version); err != nil {
			return nil, err
		}
		if version != 1 {
			return nil, says("Not supported version field value %d", version)
		}
	}
	if file.Partitions == nil {
		return nil, says("Missing partitions field")
	}
	var partitions []map[string]json.RawMessage
	if err := json.Unmarshal(file.Partitions, &partitions); err != nil {
		return nil, says("Expected JSON array, received %s", file.Partitions)
	}
	offsets := map[partition]int64{}
	var twice []string
	for _, p := range partitions {
		var at partition
		var offset int64
		if err := errors.Join(field(p, "topic", "String", &at.Topic), field(p, "partition", "Integer", &at.Number), field(p, "offset", "Long", &offset)); err != nil {
			first, _, _ := strings.Cut(err.Error(), "\n")
			return nil, says("%s", first)
		}
		name := fmt.Sprintf("%s-%d", at.Topic, at.Number)
		if _, has := offsets[at]; has && !slices.Contains(twice, name) {
			twice = append(twice, name)
		}
		offsets[at] = offset
	}
	if len(twice) > 0 {
		return nil, says("Offset json file contains duplicate topic partitions: %s", strings.Join(twice, ","))
	}
	return offsets, nil
}

// field reads a field of a JSON object; kind is what Java's reader calls its type.
func field(object map[string]json.RawMessage, name, kind string, into any) error {
	text, has := object[name]
	if !has {
		return says("No such field exists: `%s`", name)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return says("Expected `%s` value, received %s", kind, text)
	}
	return nil
}
