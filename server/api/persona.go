package api

import (
	"fmt"
	"sync"

	"github.com/barnabas-mq/barnabas/internal/invariant"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

// persona is a release of Kafka that the broker can stand in for, so that an
// application meets in its tests what it will meet in service. Versions and
// features are limited to those of the release; what they do is the same for all.
type persona struct {
	// name is as in the setting barnabas.persona.
	name     string
	features []protocol.SupportedFeature
	// refused tells by API key below which version requests are refused although
	// the versions are advertised.
	refused map[int16]int16
}

// span is a range of versions, inclusive.
type span struct{ min, max int16 }

// view is what the clients of a listener meet. It never changes.
type view struct {
	persona  string // "" without one
	entries  []*entry
	versions *protocol.VersionTable
	features []protocol.SupportedFeature
}

// newViews gives the views by persona, "" among them. Each is made when its first
// connection comes: most brokers need one.
func newViews() map[string]func() *view {
	views := map[string]func() *view{"": sync.OnceValue(newView)}
	for i := range personas {
		views[personas[i].name] = sync.OnceValue(func() *view { return newPersonaView(i) })
	}
	return views
}

// newView shows everything.
func newView() *view {
	v := &view{features: supportedFeatures}
	v.entries, v.versions = buildTable()
	return v
}

// newPersonaView shows what both the persona's Kafka and this broker have.
func newPersonaView(which int) *view {
	p, all := &personas[which], newView()
	v := &view{persona: p.name, entries: make([]*entry, len(all.entries))}
	var versions []protocol.Version
	for i := range personaAPIs {
		key, theirs := personaAPIs[i].key, personaAPIs[i].versions[which]
		ours := all.entry(key)
		if ours == nil {
			continue
		}
		advertised := span{max(ours.min, theirs.min), min(ours.max, theirs.max)}
		if advertised.min > advertised.max {
			continue
		}
		versions = append(versions, protocol.Version{Key: key, Name: ours.name, Min: advertised.min, Max: advertised.max})
		narrowed := *ours
		narrowed.min, narrowed.max = max(advertised.min, p.refused[key]), advertised.max
		v.entries[key] = &narrowed
	}
	v.versions = protocol.NewVersionTable(versions)
	for _, ours := range supportedFeatures {
		for _, theirs := range p.features {
			if theirs.Name == ours.Name {
				v.features = append(v.features, protocol.SupportedFeature{Name: ours.Name, Min: theirs.Min, Max: min(theirs.Max, ours.Max)})
			}
		}
	}
	return v
}

// viewOf is that of a listener with the persona, which the settings have checked.
func (a *API) viewOf(persona string) *view {
	build, known := a.views[persona]
	invariant.Check(known, "no persona is called %q", persona)
	return build()
}

func (v *view) entry(key int16) *entry {
	if key < 0 || int(key) >= len(v.entries) {
		return nil
	}
	return v.entries[key]
}

// level is the finalized level of a feature as clients see it, 0 when it has none.
func (v *view) level(image *metadata.Image, name string) int16 {
	for i := range v.features {
		if v.features[i].Name == name {
			return min(image.FeatureLevel(name), v.features[i].Max)
		}
	}
	return 0
}

func (v *view) finalized(image *metadata.Image) []protocol.FinalizedFeature {
	var all []protocol.FinalizedFeature
	for i := range v.features {
		name := v.features[i].Name
		if level := v.level(image, name); level > 0 {
			all = append(all, protocol.FinalizedFeature{Name: name, Min: level, Max: level})
		}
	}
	return all
}

// refuse is why a request closes the connection.
func (v *view) refuse(h *protocol.Header) error {
	reason := "is not served"
	if v.persona != "" {
		reason += " with barnabas.persona " + v.persona
	}
	e := v.entry(h.Key)
	if e == nil {
		return fmt.Errorf("API key %d %s", h.Key, reason)
	}
	return fmt.Errorf("%s version %d %s (%d to %d are)", e.name, h.Version, reason, e.min, e.max)
}
