package main

import (
	"io"
	"testing"

	"github.com/barnabas-mq/barnabas/config"
)

// --memory is a word for a data directory, and contradicts another one.
func TestTheMemoryFlag(t *testing.T) {
	for _, c := range []struct {
		args  []string
		data  string
		wrong bool
	}{
		{nil, "", false},
		{[]string{"--memory"}, config.MemoryDir, false},
		{[]string{"--data", ":memory:"}, config.MemoryDir, false},
		{[]string{"--memory", "--data", ":memory:"}, config.MemoryDir, false},
		{[]string{"--memory", "--data", "d"}, "", true},
	} {
		f, err := parseServe(c.args, io.Discard)
		if (err != nil) != c.wrong || err == nil && f.data != c.data {
			t.Errorf("%v: data %q, error %v", c.args, f.data, err)
		}
	}
}
