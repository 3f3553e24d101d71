// Package target starts the broker that a scenario is run against, as BARNABAS_COMPAT_TARGET
// says:
//
//	barnabas         this repository's (the default)
//	kafka            Apache Kafka, the newest that the oracle knows
//	kafka-VERSION    another that it knows, as in kafka-3.9.2
//	exec:COMMAND     any other: a command of the shell that runs a broker in the
//	                 foreground, with plaintext on 127.0.0.1:$BROKER_PORT, advertised as such, and
//	                 its files in $BROKER_DATA; it is killed, and started again on the same data
//
// A scenario asks for settings by Kafka's names; a broker behind exec: finds them in
// the file $BROKER_PROPERTIES, which it may well not know what to do with.
package target
