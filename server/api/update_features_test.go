package api

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

// Levels change as in Apache Kafka 4.3.1: by all updates of a request or by none.
func TestUpdateFeatures(t *testing.T) {
	w := newWorld(t)
	type update struct {
		name  string
		level int16
		kind  int8
	}
	for _, c := range []struct {
		what         string
		updates      []update
		validateOnly bool
		code         int16
		level        int16 // of transaction.version afterwards
	}{
		{"an upgrade to what it is", []update{{"transaction.version", 2, updateUpgrade}}, false, 0, 2},
		{"a downgrade that is only tried", []update{{"transaction.version", 1, updateSafeDowngrade}}, true, 0, 2},
		{"a downgrade called an upgrade", []update{{"transaction.version", 1, updateUpgrade}}, false, protocol.ErrInvalidUpdateVersion.Code, 2},
		{"one of two", []update{{"transaction.version", 1, updateSafeDowngrade}, {"group.version", 7, updateUpgrade}}, false, protocol.ErrInvalidUpdateVersion.Code, 2},
		{"a downgrade", []update{{"transaction.version", 1, updateSafeDowngrade}}, false, 0, 1},
		{"taking it back", []update{{"transaction.version", 0, updateUnsafeDowngrade}}, false, 0, 0},
		{"an upgrade", []update{{"transaction.version", 2, updateUpgrade}}, false, 0, 2},
		{"too high", []update{{"transaction.version", 3, updateUpgrade}}, false, protocol.ErrInvalidUpdateVersion.Code, 2},
		{"an unknown one", []update{{"nonsense.version", 1, updateUpgrade}}, false, protocol.ErrInvalidUpdateVersion.Code, 2},
		{"an unknown kind", []update{{"transaction.version", 1, 9}}, false, protocol.ErrInvalidUpdateVersion.Code, 2},
		{"the metadata's", []update{{"metadata.version", 29, updateSafeDowngrade}}, false, protocol.ErrInvalidUpdateVersion.Code, 2},
		{"twice", []update{{"transaction.version", 0, updateSafeDowngrade}, {"transaction.version", 1, updateSafeDowngrade}}, false, 0, 1},
	} {
		q := kmsg.NewPtrUpdateFeaturesRequest()
		q.ValidateOnly = c.validateOnly
		for _, u := range c.updates {
			one := kmsg.NewUpdateFeaturesRequestFeatureUpdate()
			one.Feature, one.MaxVersionLevel, one.UpgradeType = u.name, u.level, u.kind
			q.FeatureUpdates = append(q.FeatureUpdates, one)
		}
		p := ask[*kmsg.UpdateFeaturesResponse](w, 2, q)
		if level := w.store.Image().FeatureLevel("transaction.version"); p.ErrorCode != c.code || level != c.level {
			t.Errorf("%s: error %d, level %d; want %d, %d", c.what, p.ErrorCode, level, c.code, c.level)
		}
	}
	// Version 0 knows upgrades only, whatever it says.
	for level, want := range map[int16]int16{0: protocol.ErrInvalidUpdateVersion.Code, 1: 0} {
		q := kmsg.NewPtrUpdateFeaturesRequest()
		one := kmsg.NewUpdateFeaturesRequestFeatureUpdate()
		one.Feature, one.MaxVersionLevel, one.AllowDowngrade = "group.version", level, true
		q.FeatureUpdates = append(q.FeatureUpdates, one)
		p := ask[*kmsg.UpdateFeaturesResponse](w, 0, q)
		if p.ErrorCode != want || want == 0 && (len(p.Results) != 1 || text(p.Results[0].ErrorMessage) != "NONE") {
			t.Errorf("version 0, level %d: %+v", level, p)
		}
	}
}
