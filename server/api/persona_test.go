package api

import (
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/config"
)

// The setting takes the names that the table has, and no others.
func TestTheSettingKnowsThePersonas(t *testing.T) {
	var names []string
	for i := range personas {
		names = append(names, personas[i].name)
	}
	key, _ := config.Lookup(config.ScopeBroker, "barnabas.persona")
	if want := "[" + strings.Join(names, ", ") + "] or empty"; key.Valid != want {
		t.Errorf("the setting takes %q, the table has %q", key.Valid, want)
	}
}

func TestPersonaTableIsInOrder(t *testing.T) {
	last := int16(-1)
	for _, row := range personaAPIs {
		if row.key <= last {
			t.Errorf("key %d follows %d", row.key, last)
		}
		last = row.key
		for i, s := range row.versions {
			if s != absent && (s.min < 0 || s.min > s.max) {
				t.Errorf("key %d of %s: versions %d to %d", row.key, personas[i].name, s.min, s.max)
			}
		}
	}
	for i := range personas {
		for key, from := range personas[i].refused {
			if v, ok := newPersonaView(i).versions.Lookup(key); !ok || v.Min >= from || from > v.Max {
				t.Errorf("%s: key %d below version %d: nothing is refused", personas[i].name, key, from)
			}
		}
	}
}
