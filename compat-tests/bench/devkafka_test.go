package main

import "testing"

// What a series sets goes before what profile dev does, and changes it for no other.
func TestAsDev(t *testing.T) {
	const key = "socket.send.buffer.bytes"
	if got := asDev(map[string]string{key: "1", "other": "2"}); got[key] != "1" || got["other"] != "2" || got["group.consumer.heartbeat.interval.ms"] != "1000" {
		t.Errorf("%v", got)
	}
	if got := asDev(nil); got[key] != "-1" || len(got) != len(devSettings) {
		t.Errorf("%v", got)
	}
}
