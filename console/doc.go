// Package console is the HTTP port: health, metrics in Prometheus's text, profiles,
// and the control of a broker in tests. It is off by default, and then nothing of it
// runs. It knows no other room: the broker hands it what to ask.
package console
