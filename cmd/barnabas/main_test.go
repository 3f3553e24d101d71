package main

import (
	"strings"
	"testing"
)

// Every command explains itself when asked to, and that is no failure.
func TestEveryCommandTakesHelp(t *testing.T) {
	for _, c := range commands() {
		for _, args := range [][]string{{c.name, "--help"}, {c.name, "-h"}} {
			var out, errOut strings.Builder
			if got := run(args, &out, &errOut); got != exitStopped {
				t.Errorf("%v: status %d\n%s", args, got, errOut.String())
			}
			if c.flags {
				if text := out.String() + errOut.String(); !strings.Contains(text, "Usage of "+c.name) {
					t.Errorf("%v explains no flags:\n%s", args, text)
				}
				continue
			}
			if want := "usage: barnabas " + c.use + "\n" + c.about + "\n"; out.String() != want || errOut.Len() > 0 {
				t.Errorf("%v:\n%s%s", args, out.String(), errOut.String())
			}
		}
	}
}

func TestCheckingAFileTakesHelp(t *testing.T) {
	var out, errOut strings.Builder
	if got := run([]string{"config", "check", "--help"}, &out, &errOut); got != exitStopped || !strings.Contains(out.String(), "config check FILE") {
		t.Errorf("status %d\n%s%s", got, out.String(), errOut.String())
	}
}
