package protocol

import (
	"strings"
	"testing"
)

// Every name finds what it is the name of.
func TestNamesOfAPIsAndErrors(t *testing.T) {
	for key := range int16(len(requestLayouts)) {
		name := APIName(key)
		if name == "" {
			continue
		}
		for _, spelling := range []string{name, strings.ToLower(name)} {
			if got, known := APIKey(spelling); !known || got != key {
				t.Errorf("%s is key %d (%v), want %d", spelling, got, known, key)
			}
		}
	}
	for _, e := range errorsByCode {
		if got := ErrorForName(e.Name); got != e {
			t.Errorf("%s is %v", e.Name, got)
		}
	}
	if _, known := APIKey("Prodce"); known || ErrorForName("NO_SUCH_ERROR") != nil {
		t.Error("names that do not exist are known")
	}
}
