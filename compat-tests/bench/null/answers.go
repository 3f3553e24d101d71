package main

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// newest are the versions that are served, from 0. Produce stays below the first
// with tagged fields and Metadata below the first with topic ids, so that there is
// little to read and to write. librdkafka sends today's batches only to a broker
// that also serves Fetch 4, which finds nothing here.
var newest = map[kmsg.Key]int16{
	kmsg.Produce: 8, kmsg.Fetch: 4, kmsg.ListOffsets: 6, kmsg.Metadata: 8, kmsg.OffsetCommit: 8, kmsg.FindCoordinator: 3, kmsg.Heartbeat: 4,
	kmsg.ApiVersions: 3, kmsg.CreateTopics: 6, kmsg.DeleteTopics: 5, kmsg.InitProducerID: 4,
}

// requestHeaderBytes are those of key, version, correlation id and the length of
// the client id.
const requestHeaderBytes = 10

// answer appends the answer to a request; known is false for one that it does not
// serve or cannot read.
func (t *topics) answer(out, request []byte) (_ []byte, known bool) {
	if len(request) < requestHeaderBytes {
		return out, false
	}
	key, version := kmsg.Key(binary.BigEndian.Uint16(request)), int16(binary.BigEndian.Uint16(request[2:]))
	if most, served := newest[key]; !served || version < 0 || version > most && key != kmsg.ApiVersions {
		return out, false
	}
	body := request[requestHeaderBytes:]
	if n := int16(binary.BigEndian.Uint16(request[8:])); n > 0 {
		if int(n) > len(body) {
			return out, false
		}
		body = body[n:]
	}
	start := len(out)
	out = append(out, 0, 0, 0, 0)
	out = append(out, request[4:8]...) // correlation id
	if key == kmsg.Produce {
		out, known = t.produce(out, body, version)
	} else {
		out, known = t.other(out, body, key, version)
	}
	if !known || len(out) == start+8 { // acks=0 is not answered
		return out[:start], known
	}
	binary.BigEndian.PutUint32(out[start:], uint32(len(out)-start-4))
	return out, true
}

// other answers what is not on the path of records.
func (t *topics) other(out, body []byte, key kmsg.Key, version int16) (_ []byte, known bool) {
	if key == kmsg.ApiVersions {
		response := versions()
		response.SetVersion(min(version, newest[key]))
		return response.AppendTo(out), true
	}
	request := key.Request()
	request.SetVersion(version)
	if request.IsFlexible() { // the tagged fields of the header: none
		if len(body) == 0 || body[0] != 0 {
			return out, false
		}
		body = body[1:]
	}
	if request.ReadFrom(body) != nil {
		return out, false
	}
	response := t.respond(request)
	response.SetVersion(version)
	if response.IsFlexible() {
		out = append(out, 0)
	}
	return response.AppendTo(out), true
}

func (t *topics) respond(request kmsg.Request) kmsg.Response {
	switch request := request.(type) {
	case *kmsg.MetadataRequest:
		return t.metadata(request)
	case *kmsg.CreateTopicsRequest:
		return t.create(request)
	case *kmsg.DeleteTopicsRequest:
		return t.remove(request)
	case *kmsg.ListOffsetsRequest:
		return t.ends(request)
	case *kmsg.OffsetCommitRequest:
		return committed(request)
	case *kmsg.FindCoordinatorRequest:
		response := kmsg.NewPtrFindCoordinatorResponse()
		response.Host, response.Port = host, t.port
		return response
	case *kmsg.InitProducerIDRequest:
		response := kmsg.NewPtrInitProducerIDResponse()
		response.ProducerID = t.producers.Add(1)
		return response
	}
	return request.ResponseKind()
}

func versions() *kmsg.ApiVersionsResponse {
	response := kmsg.NewPtrApiVersionsResponse()
	for key, most := range newest {
		one := kmsg.NewApiVersionsResponseApiKey()
		one.ApiKey, one.MaxVersion = key.Int16(), most
		response.ApiKeys = append(response.ApiKeys, one)
	}
	return response
}

func committed(request *kmsg.OffsetCommitRequest) kmsg.Response {
	response := kmsg.NewPtrOffsetCommitResponse()
	for _, asked := range request.Topics {
		topic := kmsg.NewOffsetCommitResponseTopic()
		topic.Topic = asked.Topic
		for _, p := range asked.Partitions {
			partition := kmsg.NewOffsetCommitResponseTopicPartition()
			partition.Partition = p.Partition
			topic.Partitions = append(topic.Partitions, partition)
		}
		response.Topics = append(response.Topics, topic)
	}
	return response
}
