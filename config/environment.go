package config

import (
	"slices"
	"strings"
)

// variable is a setting that came from the environment.
type variable struct {
	environment string // its name there
	name, value string
}

// notSettings are the variables that Kafka's image reads for itself.
var notSettings = []string{
	"KAFKA_VERSION", "KAFKA_HEAP_OPTS", "KAFKA_LOG4J_OPTS", "KAFKA_OPTS", "KAFKA_JMX_OPTS", "KAFKA_JVM_PERFORMANCE_OPTS",
	"KAFKA_GC_LOG_OPTS", "KAFKA_LOG4J_ROOT_LOGLEVEL", "KAFKA_LOG4J_LOGGERS", "KAFKA_TOOLS_LOG4J_LOGLEVEL", "KAFKA_JMX_HOSTNAME",
	// What other images and launchers set beside the settings.
	"KAFKA_JMX_PORT", "KAFKA_HOME", "KAFKA_CLUSTER_ID", "KAFKA_KRAFT_CLUSTER_ID", "KAFKA_CREATE_TOPICS", "KAFKA_DEBUG",
}

// fromEnvironment picks the settings out of an environment (os.Environ's form),
// by the rule of Kafka's image: KAFKA_ goes, letters become small, _ is a dot,
// ___ a dash and __ an underscore.
func fromEnvironment(environ []string) []variable {
	var found []variable
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "KAFKA_") || slices.Contains(notSettings, name) || isServiceVariable(name, value) {
			continue
		}
		found = append(found, variable{name, propertyName(name), value})
	}
	return found
}

func propertyName(variable string) string {
	s := strings.ToLower(strings.ReplaceAll(variable, "KAFKA_", ""))
	s = strings.ReplaceAll(s, "_", ".")
	s = strings.ReplaceAll(s, "...", "-")
	return strings.ReplaceAll(s, "..", "_")
}

// isServiceVariable knows what Kubernetes puts into every container of a
// namespace that has a service called kafka; none of it is meant for us.
func isServiceVariable(name, value string) bool {
	return strings.HasPrefix(name, "KAFKA_SERVICE_") || strings.HasPrefix(name, "KAFKA_PORT_") ||
		name == "KAFKA_PORT" && strings.Contains(value, "://")
}
