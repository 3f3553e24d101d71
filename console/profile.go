package console

import (
	"fmt"
	"net/http"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"time"
)

// The profiles that `go tool pprof http://HOST:PORT/debug/pprof/NAME` reads. Go's own
// package for it adds itself to every HTTP server of the process, and its page brings
// the template engine along.

// profileSecondsMax bounds a profile or trace that takes time.
const profileSecondsMax = 300

func routeProfiles(mux *http.ServeMux) {
	mux.HandleFunc("GET /debug/pprof/", func(w http.ResponseWriter, _ *http.Request) {
		for _, p := range pprof.Profiles() {
			fmt.Fprintf(w, "%s\t%d\n", p.Name(), p.Count())
		}
		fmt.Fprint(w, "profile\ntrace\n")
	})
	mux.HandleFunc("GET /debug/pprof/{name}", func(w http.ResponseWriter, r *http.Request) {
		p := pprof.Lookup(r.PathValue("name"))
		if p == nil {
			say(w, http.StatusNotFound, "there is no such profile")
			return
		}
		if r.URL.Query().Get("gc") != "" && p.Name() == "heap" { // what lives, without the garbage that waits
			runtime.GC()
		}
		debug, _ := strconv.Atoi(r.URL.Query().Get("debug")) // absent or no number: the binary form
		_ = p.WriteTo(w, debug)                              // a peer that went away needs nothing
	})
	mux.HandleFunc("GET /debug/pprof/profile", func(w http.ResponseWriter, r *http.Request) {
		if err := pprof.StartCPUProfile(w); err != nil {
			say(w, http.StatusConflict, err.Error())
			return
		}
		defer pprof.StopCPUProfile()
		lastFor(r, 30)
	})
	mux.HandleFunc("GET /debug/pprof/trace", func(w http.ResponseWriter, r *http.Request) {
		if err := trace.Start(w); err != nil {
			say(w, http.StatusConflict, err.Error())
			return
		}
		defer trace.Stop()
		lastFor(r, 1)
	})
}

// lastFor waits as long as the request says, in seconds, or until its peer goes away.
func lastFor(r *http.Request, otherwise int) {
	seconds, err := strconv.Atoi(r.URL.Query().Get("seconds"))
	if err != nil || seconds < 1 {
		seconds = otherwise
	}
	t := time.NewTimer(time.Duration(min(seconds, profileSecondsMax)) * time.Second)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}
