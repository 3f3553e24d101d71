package kafkatools

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

// storage is kafka-storage (StorageTool): the identity of a data folder, in Kafka's own format.
func storage(t *tool, args []string) error {
	t.about = "The Kafka storage tool."
	config := argparseOption{long: "--config", short: "-c", about: "the broker's properties", required: true}
	commands := []command{
		{name: "info", about: "tell about the data folders", arguments: []argparseOption{config}},
		{name: "format", about: "give the data folders an identity", atMostOne: []string{"--standalone", "--no-initial-controllers", "--initial-controllers"}, arguments: []argparseOption{
			{long: "--cluster-id", short: "-t", about: "id of the cluster", required: true},
			config,
			{long: "--add-scram", short: "-S", about: "a user that can log in from the beginning: SCRAM-SHA-256=[name=alice,password=alice-secret]", each: true},
			{long: "--ignore-formatted", short: "-g", about: "a folder with an identity is no error", flag: true},
			{long: "--release-version", short: "-r", about: "the version of Kafka whose features the cluster begins with"},
			{long: "--feature", short: "-f", about: "without effect"},
			{long: "--standalone", short: "-s", about: "without effect", flag: true},
			{long: "--no-initial-controllers", short: "-N", about: "without effect", flag: true},
			{long: "--initial-controllers", short: "-I", about: "without effect"},
		}},
		{name: "version-mapping", about: "print the features of a version of Kafka", arguments: []argparseOption{{long: "--release-version", short: "-r", about: "a version of Kafka"}}},
		{name: "feature-dependencies", about: "not in Barnabas", arguments: []argparseOption{{long: "--feature", short: "-f", about: "a feature"}}},
		{name: "random-uuid", about: "print an id"},
	}
	c, got, err := t.choose(commands, args)
	if err != nil {
		return err
	}
	switch c.name {
	case "random-uuid":
		t.say("%s", protocol.NewUUID())
		return nil
	case "info", "format":
	case "version-mapping":
		return t.versionMapping(got.one("--release-version"))
	default:
		return fmt.Errorf("kafka-storage %s is not there in Barnabas", c.name)
	}
	settings, err := readProperties(got.one("--config"))
	if err != nil {
		return says("Exception in thread \"main\" java.nio.file.NoSuchFileException: %s", got.one("--config"))
	}
	if c.name == "info" {
		return t.storageInfo(dataFolders(settings))
	}
	return t.format(settings, got)
}

// dataFolders are log.dirs and metadata.log.dir, sorted.
func dataFolders(settings properties) []string {
	list := settings["log.dirs"]
	if list == "" {
		list = settings["log.dir"]
	}
	if list == "" {
		list = "/tmp/kafka-logs"
	}
	var folders []string
	for folder := range strings.SplitSeq(list+","+settings["metadata.log.dir"], ",") {
		if folder = strings.TrimSpace(folder); folder != "" && !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	slices.Sort(folders)
	return folders
}

const identityFile = "meta.properties"

func (t *tool) storageInfo(folders []string) error {
	var found, problems []string
	var identity properties
	for _, folder := range folders {
		info, err := os.Stat(folder)
		switch {
		case err != nil:
			problems = append(problems, folder+" does not exist")
			continue
		case !info.IsDir():
			problems = append(problems, folder+" is not a directory")
			continue
		}
		found = append(found, folder)
		if _, err := os.Stat(filepath.Join(folder, identityFile)); err != nil {
			problems = append(problems, folder+" is not formatted.")
			continue
		}
		read, err := readProperties(filepath.Join(folder, identityFile))
		switch {
		case err != nil:
			problems = append(problems, fmt.Sprintf("Error loading %s: %v", filepath.Join(folder, identityFile), err))
		case identity == nil:
			identity = read
		case identity["cluster.id"] != read["cluster.id"]:
			problems = append(problems, "Mismatched cluster IDs between storage directories.")
		case identity["node.id"] != read["node.id"]:
			problems = append(problems, "Mismatched node IDs between storage directories.")
		}
	}
	t.list("Found log directory:", "Found log directories:", found)
	if identity != nil {
		var pairs []string
		for _, key := range slices.Sorted(keys(identity)) {
			pairs = append(pairs, key+"="+identity[key])
		}
		t.say("Found metadata: {%s}\n", strings.Join(pairs, ", "))
	}
	t.list("Found problem:", "Found problems:", problems)
	if len(problems) > 0 {
		return &ended{1}
	}
	return nil
}

func (t *tool) list(one, many string, items []string) {
	switch len(items) {
	case 0:
		return
	case 1:
		t.say("%s", one)
	default:
		t.say("%s", many)
	}
	for _, item := range items {
		t.say("  %s", item)
	}
	t.say("")
}

// format writes meta.properties, which the broker takes for its identity.
func (t *tool) format(settings properties, got argparsed) error {
	node := settings["node.id"]
	if node == "" {
		node = settings["broker.id"]
	}
	if node == "" {
		return says("Missing required configuration \"node.id\" which has no default value.")
	}
	version, err := release(got.one("--release-version"))
	if err != nil {
		return err
	}
	if err := checkQuorum(settings, got); err != nil {
		return err
	}
	first, err := bootstrap(version, got["--add-scram"])
	if err != nil {
		return err
	}
	id := got.one("--cluster-id")
	var fresh []string
	for _, folder := range dataFolders(settings) {
		file := filepath.Join(folder, identityFile)
		if _, err := os.Stat(file); err != nil {
			fresh = append(fresh, folder)
			continue
		}
		if old, err := readProperties(file); err == nil && old["cluster.id"] != id {
			return says("Exception in thread \"main\" java.lang.RuntimeException: Invalid cluster.id in: %s. Expected %s, but read %s", file, id, old["cluster.id"])
		}
		if got["--ignore-formatted"] == nil {
			return says("Log directory %s is already formatted. Use --ignore-formatted to ignore this directory and format the others.", folder)
		}
	}
	if len(fresh) == 0 {
		t.say("All of the log directories are already formatted.")
		return nil
	}
	t.say("Bootstrap metadata: BootstrapMetadata(records=[%s], metadataVersionLevel=%d, source=format command)", version.records(), version.level)
	// The folder of the metadata comes last, as in Kafka.
	metadataFolder := cmp.Or(settings["metadata.log.dir"], dataFolders(settings)[0])
	slices.SortStableFunc(fresh, func(a, b string) int { return cmp.Compare(btoi(a == metadataFolder), btoi(b == metadataFolder)) })
	for _, folder := range fresh {
		kind := "data"
		if folder == metadataFolder {
			kind = "metadata"
			if got["--standalone"] != nil || got["--initial-controllers"] != nil {
				kind = "dynamic metadata voter"
			}
		}
		t.say("Formatting %s directory %s with metadata.version %s.", kind, folder, version.name)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		if folder == metadataFolder {
			if err := os.WriteFile(filepath.Join(folder, metadata.BootstrapFile), first, 0o600); err != nil {
				return err
			}
		}
		content := fmt.Sprintf("#\ncluster.id=%s\ndirectory.id=%s\nnode.id=%s\nversion=1\n", id, protocol.NewUUID(), node)
		if err := os.WriteFile(filepath.Join(folder, identityFile), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}
