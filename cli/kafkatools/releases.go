package kafkatools

import (
	"fmt"
	"strings"
)

// metadataVersion is a version of Kafka's metadata (MetadataVersion).
type metadataVersion struct {
	name  string
	level int
}

// metadataVersions are those that Kafka 4.3 knows; the first has level metadataLevelMin, and each next one more.
var metadataVersions = strings.Fields("3.3-IV3 3.4-IV0 3.5-IV0 3.5-IV1 3.5-IV2 3.6-IV0 3.6-IV1 3.6-IV2 3.7-IV0 3.7-IV1 3.7-IV2 3.7-IV3 3.7-IV4 " +
	"3.8-IV0 3.9-IV0 4.0-IV0 4.0-IV1 4.0-IV2 4.0-IV3 4.1-IV0 4.1-IV1 4.2-IV0 4.2-IV1 4.3-IV0")

const metadataLevelMin = 7

// release is the newest version of a release (3.9), or the one that is named (3.9-IV0); without a name the newest of all.
func release(name string) (metadataVersion, error) {
	for i := len(metadataVersions) - 1; i >= 0; i-- {
		version := metadataVersions[i]
		if name == "" || version == name || strings.HasPrefix(version, name+"-") {
			return metadataVersion{version, metadataLevelMin + i}, nil
		}
	}
	return metadataVersion{}, says("Unknown metadata.version '%s'. Supported metadata.version are: %s", name, strings.Join(metadataVersions, ", "))
}

// feature is a level of a feature, and the version from which on a new cluster has it (Feature, the classes *Version).
type feature struct {
	name  string
	level int
	from  string
}

var features = []feature{
	{"kraft.version", 1, "3.9-IV0"}, {"transaction.version", 1, "4.0-IV0"}, {"transaction.version", 2, "4.0-IV2"}, {"group.version", 1, "4.0-IV0"},
	{"eligible.leader.replicas.version", 1, "4.1-IV0"}, {"share.version", 1, "4.2-IV0"}, {"streams.version", 1, "4.2-IV0"},
}

// levels of the features that a new cluster of the version has.
func (v metadataVersion) levels() map[string]int {
	levels := map[string]int{}
	for _, f := range features {
		if from, err := release(f.from); err == nil && from.level <= v.level {
			levels[f.name] = f.level
		}
	}
	return levels
}

// records are what Kafka's tool says that it writes; Barnabas writes its own when it starts.
func (v metadataVersion) records() string {
	record := func(name string, level int) string {
		return fmt.Sprintf("ApiMessageAndVersion(FeatureLevelRecord(name='%s', featureLevel=%d) at version 0)", name, level)
	}
	words := []string{record("metadata.version", v.level)}
	levels := v.levels()
	for _, name := range []string{"eligible.leader.replicas.version", "group.version", "share.version", "streams.version", "transaction.version"} {
		if levels[name] > 0 {
			words = append(words, record(name, levels[name]))
		}
	}
	return strings.Join(words, ", ")
}

func (t *tool) versionMapping(name string) error {
	version, err := release(name)
	if err != nil {
		return err
	}
	if name == "" {
		name = version.name
	}
	t.say("metadata.version=%d (%s)", version.level, name)
	levels := version.levels()
	for _, feature := range []string{"kraft.version", "transaction.version", "group.version", "eligible.leader.replicas.version", "share.version", "streams.version"} {
		t.say("%s=%d", feature, levels[feature])
	}
	return nil
}

// checkQuorum refuses to format a controller without knowing which kind of quorum it is in.
func checkQuorum(settings properties, got argparsed) error {
	isController := strings.Contains(settings["process.roles"], "controller")
	dynamic := got["--standalone"] != nil || got["--initial-controllers"] != nil
	switch {
	case settings["process.roles"] != "" && settings["controller.listener.names"] == "":
		return says("Exception in thread \"main\" org.apache.kafka.common.config.ConfigException: Missing required configuration " +
			"\"controller.listener.names\" which has no default value.")
	case settings["controller.quorum.voters"] != "" && dynamic:
		return says("You cannot specify controller.quorum.voters and format the node with --initial-controllers or --standalone. If you want to use " +
			"dynamic quorum, please remove controller.quorum.voters and specify controller.quorum.bootstrap.servers instead.")
	case isController && settings["controller.quorum.voters"] == "" && !dynamic && got["--no-initial-controllers"] == nil:
		return says("Because controller.quorum.voters is not set on this controller, you must specify one of the following: --standalone, " +
			"--initial-controllers, or --no-initial-controllers.")
	}
	return nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
