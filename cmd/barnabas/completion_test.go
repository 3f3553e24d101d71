package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// A shell completes every command that there is.
func TestCompletionKnowsEveryCommand(t *testing.T) {
	var out, errOut bytes.Buffer
	if status := run([]string{"completion", "bash"}, &out, &errOut); status != exitStopped {
		t.Fatalf("status %d: %s", status, errOut.String())
	}
	_, rest, _ := strings.Cut(out.String(), `choice="`)
	_, rest, _ = strings.Cut(rest, `choice="`) // the first is empty
	list, _, _ := strings.Cut(rest, `"`)
	words := strings.Fields(list)
	for _, c := range commands() {
		if !slices.Contains(words, c.name) {
			t.Errorf("%s is not among %q", c.name, words)
		}
	}
}
