package console

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/barnabas-mq/barnabas/internal/fault"
)

// Control is what tests do to a broker.
type Control interface {
	// Reset makes the broker as it was when it was first started.
	Reset(ctx context.Context) error
	// SetFault sets a rule; the error says what is wrong with it.
	SetFault(rule Rule) (Fault, error)
	// Faults lists what was set, in order.
	Faults() []Fault
	// RemoveFault ends one, and reports false when there is none of that id.
	RemoveFault(id int) bool
	// WaitFault returns when a fault has fired so often, or with the error of ctx.
	WaitFault(ctx context.Context, id, times int) error
}

// ErrNoFault answers about a fault that is not there.
var ErrNoFault = errors.New("there is no such fault")

// Fault is a rule in force with its counts.
type Fault struct {
	ID   int  `json:"id"`
	Rule Rule `json:"rule"`
	// Matched counts the requests that the rule is about, Fired those that it made fail.
	Matched int `json:"matched"`
	Fired   int `json:"fired"`
}

func (c *Console) routeControl(mux *http.ServeMux) {
	handle := func(pattern string, fn func(r *http.Request) (status int, answer any)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if isOfBrowser(r) {
				sayJSON(w, http.StatusForbidden, failure(errBrowser))
				return
			}
			status, answer := fn(r)
			sayJSON(w, status, answer)
		})
	}
	handle("POST /control/reset", c.reset)
	handle("POST /control/faults", c.setFault)
	handle("GET /control/faults", func(*http.Request) (int, any) { return http.StatusOK, c.o.Control.Faults() })
	handle("DELETE /control/faults", func(*http.Request) (int, any) {
		for _, f := range c.o.Control.Faults() {
			c.o.Control.RemoveFault(f.ID)
		}
		return http.StatusOK, struct{}{}
	})
	handle("GET /control/faults/{id}", c.oneFault)
	handle("DELETE /control/faults/{id}", c.removeFault)
}

// isOfBrowser tells requests of pages from those of programs: browsers send one of these
// with everything that changes something, and a page cannot leave them out.
func isOfBrowser(r *http.Request) bool {
	return r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != ""
}

var errBrowser = errors.New("the control API is for programs, not for pages in a browser")

func (c *Console) reset(r *http.Request) (int, any) {
	if err := c.o.Control.Reset(context.WithoutCancel(r.Context())); err != nil { // a peer that goes away must not break it half-way
		return http.StatusInternalServerError, failure(err)
	}
	return http.StatusOK, struct{}{}
}

func (c *Console) setFault(r *http.Request) (int, any) {
	text, err := io.ReadAll(r.Body)
	var rule Rule
	if err == nil {
		err = json.Unmarshal(text, &rule)
	}
	if err != nil {
		return http.StatusBadRequest, failure(err)
	}
	f, err := c.o.Control.SetFault(rule)
	if err != nil {
		return http.StatusBadRequest, failure(err)
	}
	return http.StatusCreated, f
}

// oneFault shows a fault, with ?fired=N once it has fired N times.
func (c *Console) oneFault(r *http.Request) (int, any) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		return http.StatusNotFound, failure(ErrNoFault)
	}
	if times := r.URL.Query().Get("fired"); times != "" {
		n, err := strconv.Atoi(times)
		if err != nil {
			return http.StatusBadRequest, failure(errors.New("fired is a number of times"))
		}
		if err := c.o.Control.WaitFault(r.Context(), id, n); errors.Is(err, ErrNoFault) || errors.Is(err, fault.ErrRemoved) {
			return http.StatusNotFound, failure(err)
		} else if r.Context().Err() != nil {
			return http.StatusRequestTimeout, failure(err)
		} else if err != nil {
			return http.StatusBadRequest, failure(err)
		}
	}
	for _, f := range c.o.Control.Faults() {
		if f.ID == id {
			return http.StatusOK, f
		}
	}
	return http.StatusNotFound, failure(ErrNoFault)
}

func (c *Console) removeFault(r *http.Request) (int, any) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || !c.o.Control.RemoveFault(id) {
		return http.StatusNotFound, failure(ErrNoFault)
	}
	return http.StatusOK, struct{}{}
}

func failure(err error) any {
	return struct {
		Error string `json:"error"`
	}{err.Error()}
}

func sayJSON(w http.ResponseWriter, status int, answer any) {
	text, err := json.Marshal(answer)
	if err != nil {
		say(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // a peer that went away needs nothing
}
