package main

import (
	"fmt"
	"io"
	"time"
)

// progress tells a person on stderr what is being measured and how long it may
// take still.
type progress struct {
	out   io.Writer
	began time.Time
	// steps are one workload on one broker each; done were timed.
	steps, done int
	now         func() time.Time
}

func newProgress(out io.Writer, steps int) *progress {
	return &progress{out: out, began: time.Now(), steps: steps, now: time.Now}
}

// step announces the next step. The estimate takes what is left to be like what
// was done.
func (p *progress) step(what string) {
	gone := p.now().Sub(p.began)
	left := "?"
	if p.done > 0 {
		left = "about " + (gone / time.Duration(p.done) * time.Duration(max(0, p.steps-p.done))).Round(time.Second).String()
	}
	_, _ = fmt.Fprintf(p.out, "%s; %v gone, %s to go\n", what, gone.Round(time.Second), left)
	p.done++
}
