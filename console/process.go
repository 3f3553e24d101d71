package console

import (
	"os"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"strconv"
	"strings"
)

// processFamilies are those that Prometheus's client libraries have in Go. What the
// system does not tell is left out.
func processFamilies() []family {
	return []family{
		{"process_start_time_seconds", gauge, nil, "When the broker started, in seconds since 1970.", func(l *Look, s *samples) {
			s.add(float64(l.Started.UnixMilli()) / 1000)
		}},
		{"process_cpu_seconds_total", counter, nil, "Processor time that the process has used.", func(_ *Look, s *samples) {
			if seconds, ok := processorSeconds(); ok {
				s.add(seconds)
			}
		}},
		{"process_resident_memory_bytes", gauge, nil, "Memory that the process holds (Linux).", func(_ *Look, s *samples) {
			if bytes, ok := residentBytes(); ok {
				s.add(float64(bytes))
			}
		}},
		{"process_open_fds", gauge, nil, "Open files and sockets (Linux).", func(_ *Look, s *samples) {
			if n, ok := openDescriptors(); ok {
				s.add(float64(n))
			}
		}},
		{"go_info", gauge, []string{"version"}, "1, with the version of Go.", func(_ *Look, s *samples) {
			if info, ok := debug.ReadBuildInfo(); ok {
				s.add(1, info.GoVersion)
			}
		}},
		runtimeFamily("go_goroutines", gauge, "Goroutines.", "/sched/goroutines:goroutines"),
		runtimeFamily("go_memstats_heap_alloc_bytes", gauge, "Bytes of live objects, and of dead ones that are not collected yet.", "/memory/classes/heap/objects:bytes"),
		runtimeFamily("go_memstats_sys_bytes", gauge, "Memory that Go has from the system.", "/memory/classes/total:bytes"),
		runtimeFamily("go_memstats_alloc_bytes_total", counter, "Bytes that were allocated.", "/gc/heap/allocs:bytes"),
		runtimeFamily("go_gc_cycles_total", counter, "Garbage collections.", "/gc/cycles/total:gc-cycles"),
		{"barnabas_info", gauge, []string{"version", "cluster", "node"}, "1, with the version, the cluster id and the node id.", func(l *Look, s *samples) {
			s.add(1, l.Version, l.ClusterID, number(l.NodeID))
		}},
	}
}

func runtimeFamily(name, kind, help, source string) family {
	return family{name, kind, nil, help, func(_ *Look, s *samples) {
		sample := []runtimemetrics.Sample{{Name: source}}
		if runtimemetrics.Read(sample); sample[0].Value.Kind() == runtimemetrics.KindUint64 {
			s.add(float64(sample[0].Value.Uint64()))
		}
	}}
}

// residentBytes reads the second number of /proc/self/statm, which counts pages.
func residentBytes() (bytes int64, ok bool) {
	text, err := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err == nil
}

func openDescriptors() (n int, ok bool) {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return 0, false
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	return len(names) - 1, err == nil // not the one that was opened to look
}
