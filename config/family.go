package config

import "slices"

// Family says whose container image a start stands in for. It decides the
// defaults of what nobody sets, and where that image looks for files; the variables of
// all families are understood whatever the family is.
type Family uint8

const (
	// NoFamily is a start without an image: localhost:9092 and ./barnabas-data.
	NoFamily       Family = iota
	Apache                // apache/kafka, apache/kafka-native
	Confluent             // confluentinc/cp-kafka
	ConfluentLocal        // confluentinc/confluent-local
	Bitnami               // bitnami/kafka, bitnamilegacy/kafka
	Redpanda              // redpandadata/redpanda
)

// familyTraits are what is known of a family's image.
var familyTraits = [...]struct {
	name     string
	defaults [][2]string
	files    []string
	data     string
}{
	NoFamily: {name: "none"},
	Apache: {
		name:  "apache",
		files: []string{"/mnt/shared/config/server.properties", "/opt/kafka/config/server.properties", "/opt/kafka/config/kraft/server.properties"},
		data:  "/tmp/kraft-combined-logs",
	},
	Confluent: {
		name:  "confluent",
		files: []string{"/etc/kafka/kafka.properties", "/etc/kafka/server.properties"},
		data:  "/var/lib/kafka/data",
	},
	ConfluentLocal: {
		name: "confluent-local",
		defaults: [][2]string{
			{"listeners", "PLAINTEXT://localhost:29092,CONTROLLER://localhost:29093,PLAINTEXT_HOST://0.0.0.0:9092"},
			{"listener.security.protocol.map", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PLAINTEXT_HOST:PLAINTEXT"},
			{"controller.listener.names", "CONTROLLER"},
			{"inter.broker.listener.name", "PLAINTEXT"},
		},
		files: []string{"/etc/kafka/kafka.properties"},
		data:  "/tmp/kraft-combined-logs",
	},
	Bitnami: {
		name: "bitnami",
		files: []string{
			"/bitnami/kafka/config/server.properties", "/opt/bitnami/kafka/config/server.properties", "/opt/bitnami/kafka/config/kraft/server.properties",
		},
		data: "/bitnami/kafka/data",
	},
	Redpanda: {
		name: "redpanda",
		defaults: [][2]string{
			{"node.id", "0"},
			// Redpanda creates topics by itself only when told so, in dev-container mode for instance.
			{"auto.create.topics.enable", "false"},
		},
		files: []string{"/etc/redpanda/redpanda.yaml", "/etc/redpanda/.bootstrap.yaml"},
		data:  "/var/lib/redpanda/data",
	},
}

// String is a short name in small letters.
func (f Family) String() string { return familyTraits[f].name }

// ConfigFiles are the files of settings that a start reads when they are there, the
// strongest first: the family's own, then those of the other families, for a compose
// file in which only the image was changed. Our image ships none of them, so
// whichever is there is the user's. Of properties files only the first one counts, as
// in the images; Redpanda's two are YAML, both count (FromRedpandaFile), and nothing
// else does. Whatever a file says, the environment wins over it.
func (f Family) ConfigFiles() []string {
	files := slices.Clone(familyTraits[f].files)
	if f == Redpanda {
		return files
	}
	for other := range familyTraits {
		for _, file := range familyTraits[other].files {
			if Family(other) != Redpanda && !slices.Contains(files, file) {
				files = append(files, file)
			}
		}
	}
	return files
}

// DataDirs are the folders where a volume with data may be mounted: the family's
// own first, which is the default of log.dirs, then those of the other families, for
// a compose file in which only the image was changed. The start that finds log.dirs
// unset may take the first one that is in a mounted volume or holds data.
func (f Family) DataDirs() []string {
	own := familyTraits[f].data
	dirs := []string{own}
	for _, dir := range []string{
		"/var/lib/kafka/data", "/bitnami/kafka/data", "/bitnami/kafka", "/var/lib/redpanda/data", "/tmp/kraft-combined-logs", "/tmp/kafka-logs", "/kafka/data", "/kafka",
	} {
		if dir != own {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// setDefaults are the weakest settings but for the profile's: those of the
// family's image or, without a family and a file, of a broker on its own machine
// with its data beside it.
func (s *Static) setDefaults(f Family, hasFile bool) {
	switch {
	case f != NoFamily:
		origin := Origin{Kind: FromProfile, Name: "image " + f.String()}
		for _, d := range familyTraits[f].defaults {
			s.set(d[0], d[1], origin)
		}
		s.set("log.dirs", familyTraits[f].data, origin)
	case !hasFile:
		s.set("listeners", "PLAINTEXT://localhost:9092", withoutFile)
		s.set("log.dirs", "./barnabas-data", withoutFile)
	}
}

var withoutFile = Origin{Kind: FromProfile, Name: "without a file"}
