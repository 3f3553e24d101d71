package differ

import "github.com/twmb/franz-go/pkg/kmsg"

// featureUpdate is one change of one feature. Below version 1 a downgrade is allowed
// or not; from then on it has a kind.
type featureUpdate struct {
	feature string
	level   int16
	kind    int8 // 1 upgrade, 2 safe downgrade, 3 unsafe downgrade
}

func featuresRequest(updates ...featureUpdate) *kmsg.UpdateFeaturesRequest {
	req := kmsg.NewPtrUpdateFeaturesRequest()
	req.TimeoutMillis = 10_000
	for _, u := range updates {
		one := kmsg.NewUpdateFeaturesRequestFeatureUpdate()
		one.Feature, one.MaxVersionLevel, one.UpgradeType, one.AllowDowngrade = u.feature, u.level, u.kind, u.kind > 1
		req.FeatureUpdates = append(req.FeatureUpdates, one)
	}
	return req
}

func featureStories() []Story {
	return []Story{{Name: "update features/every way", Key: kmsg.UpdateFeatures, Tell: func(s *Session) {
		for _, c := range []struct {
			label   string
			updates []featureUpdate
		}{
			{"none", nil},
			{"the level that it has", []featureUpdate{{"transaction.version", 2, 1}}},
			{"unknown feature", []featureUpdate{{"coffee.version", 1, 1}}},
			{"empty name", []featureUpdate{{"", 1, 1}}},
			{"level too high", []featureUpdate{{"transaction.version", 99, 1}}},
			{"negative level", []featureUpdate{{"transaction.version", -1, 1}}},
			{"upgrade that is a downgrade", []featureUpdate{{"transaction.version", 1, 1}}},
			{"upgrade to 0", []featureUpdate{{"group.version", 0, 1}}},
			{"downgrade that is an upgrade", []featureUpdate{{"transaction.version", 99, 2}}},
			{"downgrade to the level that it has", []featureUpdate{{"transaction.version", 2, 2}}},
			{"one feature twice", []featureUpdate{{"group.version", 1, 1}, {"group.version", 1, 1}}},
			{"good and bad", []featureUpdate{{"group.version", 1, 1}, {"coffee.version", 1, 1}}},
			{"down", []featureUpdate{{"transaction.version", 1, 2}}},
			{"and up again", []featureUpdate{{"transaction.version", 2, 1}}},
		} {
			s.Ask(c.label, featuresRequest(c.updates...))
		}
		if s.Version >= 1 {
			s.Ask("unknown kind of update", featuresRequest(featureUpdate{"transaction.version", 2, 9}))
			s.Ask("kind 0", featuresRequest(featureUpdate{"transaction.version", 2, 0}))
			check := featuresRequest(featureUpdate{"transaction.version", 1, 2})
			check.ValidateOnly = true
			s.Ask("only checked", check)
		}
		versions := kmsg.NewPtrApiVersionsRequest()
		versions.ClientSoftwareName, versions.ClientSoftwareVersion = "differ", "1"
		s.Until(versions, func(r kmsg.Response) bool {
			for _, f := range r.(*kmsg.ApiVersionsResponse).FinalizedFeatures {
				if f.Name == "transaction.version" {
					return f.MaxVersionLevel == 2
				}
			}
			return false
		})
	}}}
}
