package config

import (
	"net"
	"slices"
)

const (
	keyHTTPListen = "barnabas.http.listen"
	keyHTTPPublic = "barnabas.http.public"
	keyControl    = "barnabas.control"
)

// HTTP is the port for health, metrics and control.
type HTTP struct {
	// Listen is host:port; empty is no port at all. Public is that others may reach it.
	Listen string
	Public bool
	// Pprof and Control open what changes the process, or shows its insides.
	Pprof, Control bool
	// JMX and Exporter choose the names of the metrics: those of Kafka's JMX metrics, and
	// those of kafka_exporter, which take a look at every group.
	JMX, Exporter bool
}

func (b *Broker) readHTTP(r *reader) {
	names := r.list("barnabas.metrics.compat")
	b.HTTP = HTTP{
		Listen: r.text(keyHTTPListen), Public: r.boolean(keyHTTPPublic), Pprof: r.boolean("barnabas.http.pprof"), Control: r.boolean(keyControl),
		JMX: slices.Contains(names, "jmx"), Exporter: slices.Contains(names, "kafka_exporter"),
	}
}

// checkHTTP refuses an address that others can reach, unless that is said in as many
// words: nobody has to log in there.
func (r *reader) checkHTTP(fail func(key, format string, args ...any)) {
	listen := r.text(keyHTTPListen)
	if listen == "" {
		if r.boolean(keyControl) {
			fail(keyControl, "the control API needs %s", keyHTTPListen)
		}
		return
	}
	host, port, err := net.SplitHostPort(listen)
	if _, isPort := parseCount(port); err != nil || !isPort {
		fail(keyHTTPListen, "%q is not of the form host:port", cut(listen))
		return
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) && !r.boolean(keyHTTPPublic) {
		fail(keyHTTPListen, "others can reach %s, and nobody has to log in there; set %s=true to allow it", cut(listen), keyHTTPPublic)
	}
}
