// Package config holds every setting once: its name, type, default, range,
// scope, who may change it when, and a line of documentation. From the tables
// keys_*.go come the checks of properties files and of changes, the answers to
// DescribeConfigs, the text of `barnabas config` and docs/configuration.md.
//
// The names, types, ranges and defaults are those of Apache Kafka 4.3. What
// Barnabas adds begins with barnabas. What Kafka demands (node.id,
// process.roles, controller.listener.names) may be left out here, so that a
// start without a file works.
//
// Images other than ours bring their own names and defaults: Family, FromRedpanda
// and the environment's tables turn them into Kafka's settings with their origin.
//
//	flags, overrides, environment, file, profile
//	       │ Load: all problems at once
//	       ▼
//	    *Static ──── altered for the cluster, altered for this broker
//	       │ Broker
//	       ▼
//	    *Broker  typed fields, immutable; a change makes a new one
//	       │ Topic(overrides)   │ Group(overrides)   │ Describe…, Validate…
//	       ▼                    ▼                    ▼
//	    Topic                 Group              []Entry, *Error
//
// Precedence at the start is flags, overrides, environment, file, profile,
// default; while a broker runs, what was altered for this broker wins over what
// was altered for the cluster, and both win over the start. Everything that is
// handed out is immutable and safe for concurrent use.
//
// The package reads nothing from the process and writes no file: the caller
// passes the environment and the text of the file, and asks no question twice.
// It does not know which rooms obey a setting; Key.Effect is what they promise.
package config

//go:generate go test -run TestConfigurationPageIsFresh -args -rewrite
