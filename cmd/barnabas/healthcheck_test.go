package main

import (
	"testing"
)

func TestTheHealthCheckFindsItsBroker(t *testing.T) {
	keys := []string{"KAFKA_SSL_KEYSTORE_TYPE=PEM", "KAFKA_SSL_KEYSTORE_LOCATION=/etc/kafka/secrets/keys.pem"}
	for _, test := range []struct {
		environ []string
		want    string // with "tls " in front of one with TLS
	}{
		{nil, "localhost:9092"},
		{append([]string{"KAFKA_LISTENERS=SSL://:9093,PLAINTEXT://:19092"}, keys...), "localhost:19092"},
		{append([]string{"KAFKA_LISTENERS=SSL://:9093"}, keys...), "tls localhost:9093"},
		{[]string{"KAFKA_LISTENERS=PLAINTEXT://:29092,CONTROLLER://:9093", "KAFKA_CONTROLLER_LISTENER_NAMES=CONTROLLER"}, "localhost:29092"},
		{[]string{"KAFKA_CFG_LISTENERS=\"PLAINTEXT://0.0.0.0:19092\""}, "localhost:19092"},
		{[]string{"KAFKA_LISTENERS=PLAINTEXT://[::]:19092"}, "localhost:19092"},
		{[]string{"KAFKA_LISTENERS=PLAINTEXT://127.0.0.2:19092"}, "127.0.0.2:19092"},
		{[]string{"KAFKA_LISTENERS=PLAINTEXT://:0"}, "localhost:9092"},
		{[]string{"KAFKA_LISTENERS=nonsense"}, "localhost:9092"},
	} {
		got, secured := ownAddress(test.environ)
		if secured {
			got = "tls " + got
		}
		if got != test.want {
			t.Errorf("with %q the health check asks %s, want %s", test.environ, got, test.want)
		}
	}
}
