package main

import (
	"testing"
)

func TestTheHealthCheckFindsItsBroker(t *testing.T) {
	for _, test := range []struct {
		environ []string
		want    string
	}{
		{nil, "localhost:9092"},
		{[]string{"KAFKA_LISTENERS=PLAINTEXT://:29092,CONTROLLER://:9093", "KAFKA_CONTROLLER_LISTENER_NAMES=CONTROLLER"}, "localhost:29092"},
		{[]string{"KAFKA_CFG_LISTENERS=\"PLAINTEXT://0.0.0.0:19092\""}, "localhost:19092"},
		{[]string{"KAFKA_LISTENERS=PLAINTEXT://[::]:19092"}, "localhost:19092"},
		{[]string{"KAFKA_LISTENERS=PLAINTEXT://127.0.0.2:19092"}, "127.0.0.2:19092"},
		{[]string{"KAFKA_LISTENERS=PLAINTEXT://:0"}, "localhost:9092"},
		{[]string{"KAFKA_LISTENERS=nonsense"}, "localhost:9092"},
	} {
		if got := ownAddress(test.environ); got != test.want {
			t.Errorf("with %q the health check asks %s, want %s", test.environ, got, test.want)
		}
	}
}
