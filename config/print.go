package config

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// WriteKeys prints every setting, one per line, or everything that is known of
// the one called name. The error is for a name that does not exist.
func WriteKeys(w io.Writer, name string) error {
	out := bufio.NewWriter(w)
	if name != "" {
		k := index()[name]
		if k == nil {
			return fmt.Errorf("no setting is called %q%s", cut(name), suggestion(name))
		}
		writeKey(out, k)
		return out.Flush()
	}
	for _, k := range Keys() {
		if !k.Internal {
			fmt.Fprintf(out, "%-60s %-9s %-24s %s\n", k.Name, k.Type, k.defaultText(), k.Doc)
		}
	}
	return out.Flush()
}

func writeKey(w io.Writer, k *Key) {
	fmt.Fprintf(w, "%s\n  %s\n", k.Name, k.Doc)
	rows := [][2]string{
		{"type", k.Type.String()},
		{"default", k.defaultText()},
		{"valid values", k.Valid},
		{"setting of", k.Scope.String()},
		{"change", k.changeText()},
		{"in Barnabas", k.Effect.text()},
		{"falls back to", synonymText(k)},
	}
	for _, row := range rows {
		if row[1] != "" {
			fmt.Fprintf(w, "  %-14s %s\n", row[0]+":", row[1])
		}
	}
}

// suggestion helps with a name that is nearly right.
func suggestion(name string) string {
	var like []string
	for _, k := range Keys() {
		if strings.Contains(k.Name, name) || strings.Contains(name, k.Name) {
			like = append(like, k.Name)
		}
	}
	if len(like) == 0 {
		return ""
	}
	const most = 8
	if len(like) > most {
		like = append(like[:most], "...")
	}
	return "; there are " + strings.Join(like, ", ")
}

func (k *Key) defaultText() string {
	switch {
	case k.Null:
		return "(none)"
	case k.Default == "":
		return `""`
	}
	return k.Default
}

func (k *Key) changeText() string {
	if k.Scope&ScopeBroker == 0 {
		return "at any time"
	}
	return k.Update.String()
}

func (e Effect) text() string {
	return [...]string{"accepted without effect", "acts", "refused unless " + keyInsecureIgnore + "=true"}[e]
}

func synonymText(k *Key) string {
	var names []string
	for _, s := range k.Synonyms {
		if s.Name != k.Name {
			names = append(names, s.Name)
		}
	}
	return strings.Join(names, ", ")
}

// Check says on w what a start with this file would say: what is wrong, then
// what is odd. It answers whether a start would find nothing wrong with the settings. What
// they name, such as key stores, and the rules in them for names of people are looked at by
// the start alone. readFile reads a JAAS file.
func Check(w io.Writer, file File, readFile func(name string) ([]byte, error)) bool {
	s, err := Load(Input{File: &file, ReadFile: readFile})
	if problems, ok := err.(Problems); ok {
		for _, p := range problems {
			fmt.Fprintf(w, "error: %s\n", p)
		}
	}
	for _, p := range s.Warnings {
		fmt.Fprintf(w, "warning: %s\n", p)
	}
	if err == nil {
		fmt.Fprintf(w, "%s is valid\n", file.Name)
	}
	return err == nil
}

// WriteMarkdown writes docs/configuration.md.
func WriteMarkdown(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprint(out, markdownHead)
	sections := []struct {
		title string
		in    func(*Key) bool
	}{
		{"Barnabas's own settings", func(k *Key) bool { return strings.HasPrefix(k.Name, "barnabas.") }},
		{"Topic settings", func(k *Key) bool { return k.Scope&ScopeTopic != 0 }},
		{"Broker settings that act", func(k *Key) bool { return isKafkaBroker(k) && k.Effect == Acts }},
		{"Broker settings that ask for protection not built yet", func(k *Key) bool { return isKafkaBroker(k) && k.Effect == Refused }},
		{"Broker settings that are accepted without effect", func(k *Key) bool { return isKafkaBroker(k) && k.Effect == Accepted }},
		{"Group settings", func(k *Key) bool { return k.Scope == ScopeGroup }},
		{"Client-metrics settings", func(k *Key) bool { return k.Scope == ScopeClientMetrics }},
	}
	for _, s := range sections {
		writeSection(out, s.title, s.in)
	}
	return out.Flush()
}

const markdownHead = `# Configuration

<!-- Made from the tables in config/keys_*.go by "go generate ./config"; a test fails when this page is stale. -->

The names, types, ranges and defaults are those of Apache Kafka 4.3; what Barnabas adds begins with ` + "`barnabas.`" + `.
The same text is printed by ` + "`barnabas config`" + `, one setting in full by ` + "`barnabas config KEY`" + `, and a file is checked by
` + "`barnabas config check FILE`" + `.

A value comes from the first of these places that has one: a flag, ` + "`--override key=value`" + `, the environment (` + "`KAFKA_NUM_PARTITIONS`" + `
is ` + "`num.partitions`" + `; ` + "`_`" + ` is a dot, ` + "`__`" + ` an underscore, ` + "`___`" + ` a dash), the properties file, the profile, the default. While the broker runs, what is
altered for one broker wins over what is altered for the cluster, and both win over the start.

The environments of other images mean the same here as there: ` + "`KAFKA_CFG_X`" + ` and ` + "`X_FILE`" + ` (bitnami), ` + "`CLUSTER_ID`" + `, ` + "`KAFKA_CLUSTER_ID`" + ` and
` + "`KAFKA_KRAFT_CLUSTER_ID`" + ` (any text, for a new data directory), ` + "`KAFKA_ADVERTISED_HOST_NAME`" + ` and the other names of Kafka before 3.0, in the image
Debezium's ` + "`BROKER_ID`, `NODE_ID`, `ADVERTISED_HOST_NAME`" + ` and ` + "`ADVERTISED_PORT`" + `, weaker than all others. Of several names for one
setting ` + "`KAFKA_X_FILE`" + ` wins, then ` + "`KAFKA_X`" + `, bitnami's aliases (` + "`KAFKA_LOGS_DIRS`" + `), ` + "`KAFKA_CFG_X_FILE`" + ` and ` + "`KAFKA_CFG_X`" + `. Quotes around a value, spaces after commas and
a comma at the end of a list do no harm; a number, a switch, a folder or a listener whose variable is empty is not set; what Kubernetes puts into the environment of a pod is passed over; all that is for a Java machine or
for ZooKeeper is one warning. Redpanda's flags, variables, ` + "`redpanda.yaml`" + ` and mode count in this order, where the image is started as Redpanda's is. With ` + "`KAFKA_ADVERTISED_LISTENERS`" + ` alone the broker listens on every interface at those ports. What clients are told
to connect to has [a page of its own](listeners.md).

Without a properties file the broker listens on ` + "`localhost:9092`" + ` and keeps its data in ` + "`./barnabas-data`" + `. The profile ` + "`dev`" + ` sets
` + "`barnabas.durability=cached`, `barnabas.replication.clamp=true`, `group.initial.rebalance.delay.ms=0`" + ` and ` + "`socket.send.buffer.bytes=-1`" + `; the profile ` + "`server`" + ` sets nothing.

An unknown name is a warning. A value that is not legal ends the start and names the setting, the file and the line; all
faults are told at once. What asks for protection that is not built yet (another authorizer than Kafka's own, policies) ends the start
as well, unless ` + "`barnabas.insecure.ignore=true`" + `. The topic settings ` + "`message.format.version`, `message.timestamp.difference.max.ms`" + ` and
` + "`message.downconversion.enable`" + `, which Kafka removed, are taken and forgotten.

The column *change* says how a broker setting may change while the broker runs: not at all (read-only), for one broker
(per-broker), or for one broker and as the default of the cluster (cluster-wide).
`

func isKafkaBroker(k *Key) bool {
	return k.Scope == ScopeBroker && !strings.HasPrefix(k.Name, "barnabas.")
}

func writeSection(w io.Writer, title string, in func(*Key) bool) {
	fmt.Fprintf(w, "\n## %s\n\n| Setting | Type | Default | Valid values | Change | In Barnabas | Meaning |\n|---|---|---|---|---|---|---|\n", title)
	for _, k := range Keys() {
		if !in(k) || k.Internal {
			continue
		}
		doc := k.Doc
		if k.Scope == ScopeTopic && len(k.Synonyms) > 0 {
			doc += " Falls back to `" + strings.ReplaceAll(synonymText(k), ", ", "`, `") + "`."
		}
		fmt.Fprintf(w, "| `%s` | %s | `%s` | %s | %s | %s | %s |\n",
			k.Name, k.Type, k.defaultText(), escape(k.Valid), k.changeText(), k.Effect, escape(doc))
	}
}

// escape keeps text from being taken for Markdown.
func escape(s string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`, "[", `\[`).Replace(s)
}
