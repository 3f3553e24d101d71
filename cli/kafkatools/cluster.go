package kafkatools

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var bootstrapArguments = []argparseOption{
	{long: "--bootstrap-server", short: "-b", about: "addresses of brokers"},
	{long: "--bootstrap-controller", short: "-C", about: "addresses of controllers"},
	{long: "--config", short: "-c", about: "old name of --command-config"},
	{long: "--command-config", about: "file with settings of the client"},
}

var bootstrapOneOf = []string{"--bootstrap-server", "--bootstrap-controller"}

// cluster is kafka-cluster (ClusterTool).
func cluster(t *tool, args []string) error {
	t.about = "The Kafka cluster tool."
	commands := []command{
		{name: "cluster-id", about: "print the id of the cluster", arguments: bootstrapArguments, oneOf: bootstrapOneOf},
		{name: "unregister", about: "forget a broker", oneOf: bootstrapOneOf,
			arguments: append(slices.Clone(bootstrapArguments), argparseOption{long: "--id", short: "-i", about: "id of the broker", required: true, number: "Integer"})},
		{name: "list-endpoints", about: "print the addresses of brokers", oneOf: bootstrapOneOf,
			arguments: append(slices.Clone(bootstrapArguments), argparseOption{long: "--include-fenced-brokers", about: "brokers that are fenced as well", flag: true})},
	}
	c, got, err := t.choose(commands, args)
	if err != nil {
		return err
	}
	settings, err := readProperties(got.one("--command-config") + got.one("--config"))
	if err != nil {
		return err
	}
	bootstrap := got.one("--bootstrap-server")
	if bootstrap == "" {
		bootstrap = got.one("--bootstrap-controller")
	}
	client, err := t.connectAdmin(bootstrap, settings)
	if err != nil {
		return err
	}
	defer client.Close()
	if c.name == "unregister" {
		return t.unregister(client, got.one("--id"))
	}
	request := kmsg.NewDescribeClusterRequest()
	request.IncludeFencedBrokers = got["--include-fenced-brokers"] != nil
	answer, err := request.RequestWith(t.ctx, client)
	if err != nil {
		return executionError(unreachable(err, "listNodes"))
	}
	if err := refused(answer.ErrorCode, answer.ErrorMessage); err != nil {
		return executionError(err)
	}
	if c.name == "cluster-id" {
		t.say("Cluster ID: %s", answer.ClusterID)
		return nil
	}
	t.printEndpoints(answer)
	return nil
}

func (t *tool) unregister(client *kgo.Client, id string) error {
	n, err := strconv.ParseInt(id, 10, 32)
	if err != nil {
		return err
	}
	request := kmsg.NewUnregisterBrokerRequest()
	request.BrokerID = int32(n)
	answer, err := request.RequestWith(t.ctx, client)
	if err != nil {
		return executionError(unreachable(err, "unregisterBroker"))
	}
	if err := refused(answer.ErrorCode, answer.ErrorMessage); err != nil {
		return executionError(err)
	}
	t.say("Broker %d is no longer registered.", n)
	return nil
}

func (t *tool) printEndpoints(answer *kmsg.DescribeClusterResponse) {
	hosts, racks := 10, 10
	for _, b := range answer.Brokers {
		hosts, racks = max(hosts, len(b.Host)), max(racks, len(textOr(b.Rack, "null")))
	}
	row := func(id, host, port, rack, state, kind string) {
		t.say("%s", strings.TrimRight(fmt.Sprintf("%-10s %-*s %-10s %-*s %-10s %-15s", id, hosts-1, host, port, racks, rack, state, kind), " ")+" ")
	}
	row("ID", "HOST", "PORT", "RACK", "STATE", "ENDPOINT_TYPE")
	for _, b := range answer.Brokers {
		state := "unfenced"
		if b.IsFenced {
			state = "fenced"
		}
		row(strconv.Itoa(int(b.NodeID)), b.Host, strconv.Itoa(int(b.Port)), textOr(b.Rack, "null"), state, "broker")
	}
}

// clientAPIs are the keys of the APIs that a broker offers to clients, with the oldest and the
// newest version that Kafka 4.3's tool knows, as recorded from it (ApiKeys.clientApis).
func clientAPIs() map[int16][2]int16 {
	apis := map[int16][2]int16{}
	for _, entry := range strings.Fields(clientAPITable) {
		var key, low, high int16
		if n, err := fmt.Sscanf(entry, "%d:%d-%d", &key, &low, &high); n != 3 {
			panic(fmt.Sprintf("the table of APIs has %q: %v", entry, err))
		}
		apis[key] = [2]int16{low, high}
	}
	return apis
}

const clientAPITable = `0:0-13 1:4-18 2:1-11 3:0-13 8:2-10 9:1-10 10:0-6 11:0-9 12:0-4 13:0-5 14:0-5 15:0-6 16:0-5 17:0-1 18:0-4
19:2-7 20:1-6 21:0-2 22:0-5 23:2-4 24:0-5 25:0-4 26:0-5 27:1-2 28:0-5 29:1-3 30:1-3 31:1-3 32:1-4 33:0-2 34:1-2 35:1-5 36:0-2
37:0-3 38:1-3 39:1-2 40:1-2 41:1-3 42:0-2 43:0-2 44:0-1 45:0-1 46:0-0 47:0-0 48:0-1 49:0-1 50:0-0 51:0-0 55:0-2 57:0-2 60:0-2
61:0-0 64:0-0 65:0-0 66:0-2 68:0-1 69:0-1 71:0-0 72:0-0 74:0-1 75:0-0 76:1-1 77:1-1 78:1-2 79:1-2 80:0-1 81:0-0 83:0-0 84:0-0
85:0-1 86:0-0 87:0-1 88:0-0 89:0-0 90:0-1 91:0-0 92:0-0`

// spelling of names is Java's where the client library writes an abbreviation in capitals.
var spelling = strings.NewReplacer("SASL", "Sasl", "ACL", "Acl", "SCRAM", "Scram", "ID", "Id")

func apiName(key int16) string {
	if key == int16(kmsg.AlterPartitionAssignments) {
		return "AlterPartitionReassignments"
	}
	return spelling.Replace(kmsg.NameForKey(key))
}

// brokerAPIVersions is kafka-broker-api-versions (BrokerApiVersionsCommand).
func brokerAPIVersions(t *tool, args []string) error {
	t.about = "This tool helps to retrieve broker version information."
	p := newParser(
		text("command-config", "command config property file", "File with settings of the client."),
		text("bootstrap-server", "server(s) to use for bootstrapping", "Required: addresses of brokers."),
	)
	got, err := p.parse(args)
	if err != nil {
		return err
	}
	if err := t.helpOrVersion(p, args, got); err != nil {
		return err
	}
	if err := t.required(got, "bootstrap-server"); err != nil {
		return err
	}
	client, err := t.adminOf(got, first(got.values("bootstrap-server")))
	if err != nil {
		return err
	}
	defer client.Close()
	metadata := kmsg.NewMetadataRequest()
	metadata.Topics = []kmsg.MetadataRequestTopic{}
	brokers, err := metadata.RequestWith(t.ctx, client)
	if err != nil {
		seeds, _ := servers(first(got.values("bootstrap-server"))) // the client has checked them
		for i, seed := range seeds {
			seeds[i] = fmt.Sprintf("%s (id: %d rack: null isFenced: false)", seed, -1-i)
		}
		return says("Request METADATA failed on brokers [%s]", strings.Join(seeds, ", "))
	}
	for _, b := range brokers.Brokers {
		node := fmt.Sprintf("%s:%d (id: %d rack: %s isFenced: false)", b.Host, b.Port, b.NodeID, textOr(b.Rack, "null"))
		request := kmsg.NewApiVersionsRequest()
		request.ClientSoftwareName, request.ClientSoftwareVersion = "barnabas-tools", kafkaVersion
		answer, err := client.Broker(int(b.NodeID)).Request(t.ctx, &request)
		if err != nil {
			t.say("%s -> ERROR: %v", node, err)
			continue
		}
		t.say("%s -> (\n\t%s\n)", node, strings.Join(versionLines(answer.(*kmsg.ApiVersionsResponse)), ",\n\t"))
	}
	return nil
}

// versionLines say each API that the broker has or the tool knows, by key.
func versionLines(answer *kmsg.ApiVersionsResponse) []string {
	lines := map[int16]string{}
	apis := clientAPIs()
	for key := range apis {
		lines[key] = fmt.Sprintf("%s(%d): UNSUPPORTED", apiName(key), key)
	}
	for _, api := range answer.ApiKeys {
		span := strconv.Itoa(int(api.MinVersion))
		if api.MaxVersion != api.MinVersion {
			span += fmt.Sprintf(" to %d", api.MaxVersion)
		}
		known, isKnown := apis[api.ApiKey]
		switch {
		case !isKnown:
			lines[api.ApiKey] = fmt.Sprintf("UNKNOWN(%d): %s", api.ApiKey, span)
		case known[1] < api.MinVersion:
			lines[api.ApiKey] = fmt.Sprintf("%s(%d): %s [unusable: node too new]", apiName(api.ApiKey), api.ApiKey, span)
		case api.MaxVersion < known[0]:
			lines[api.ApiKey] = fmt.Sprintf("%s(%d): %s [unusable: node too old]", apiName(api.ApiKey), api.ApiKey, span)
		default:
			lines[api.ApiKey] = fmt.Sprintf("%s(%d): %s [usable: %d]", apiName(api.ApiKey), api.ApiKey, span, min(known[1], api.MaxVersion))
		}
	}
	var sorted []string
	for _, key := range slices.Sorted(keys(lines)) {
		sorted = append(sorted, lines[key])
	}
	return sorted
}
