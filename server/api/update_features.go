package api

// UpdateFeatures (key 57), versions 0 to 2.
//
// Changes the levels of features: group.version, transaction.version. All updates of
// a request happen, or none. Levels that say how the metadata is written cannot be
// changed (docs/compatibility.md).
//
//	v0  a downgrade is allowed or not
//	v1  kinds of updates; validation alone
//	v2  no results per feature

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var updateFeatures = now(0, 2, (*API).updateFeatures)

const (
	updateKindsSince      = 1
	updateResultsUntil    = 1
	updateUpgrade         = 1
	updateSafeDowngrade   = 2
	updateUnsafeDowngrade = 3
)

func (a *API) updateFeatures(r *Request, q *kmsg.UpdateFeaturesRequest) *kmsg.UpdateFeaturesResponse {
	p := q.ResponseKind().(*kmsg.UpdateFeaturesResponse)
	updates, err := featureUpdates(q)
	if err == nil {
		_, err = a.change(r, q.TimeoutMillis, func(image *metadata.Image) ([]metadata.Record, error) {
			records, err := metadata.UpdateFeatures(image, a.Config().NodeID, updates)
			if q.ValidateOnly {
				records = nil
			}
			return records, err
		})
	}
	if failure := errorOf(err); failure != nil {
		text := failure.Message
		if failure.Code == protocol.ErrInvalidUpdateVersion.Code {
			text = "The update failed for all features since the following feature had an error: " + text
		}
		p.ErrorCode, p.ErrorMessage = failure.Code, &text
		return p
	}
	if q.Version <= updateResultsUntil {
		for _, u := range updates {
			one := kmsg.NewUpdateFeaturesResponseResult()
			one.Feature = u.Name
			p.Results = append(p.Results, one)
		}
	}
	return p
}

func featureUpdates(q *kmsg.UpdateFeaturesRequest) ([]metadata.FeatureUpdate, error) {
	updates := make([]metadata.FeatureUpdate, len(q.FeatureUpdates))
	seen := countNames(q.FeatureUpdates, func(u *kmsg.UpdateFeaturesRequestFeatureUpdate) string { return u.Feature })
	for i, u := range q.FeatureUpdates {
		mayDowngrade := u.AllowDowngrade
		if q.Version >= updateKindsSince {
			mayDowngrade = u.UpgradeType == updateSafeDowngrade || u.UpgradeType == updateUnsafeDowngrade
			if !mayDowngrade && u.UpgradeType != updateUpgrade {
				return nil, protocol.ErrInvalidUpdateVersion.WithMessage("The upgrade type %d of feature %s is unknown.", u.UpgradeType, u.Feature)
			}
		}
		if seen[u.Feature] > 1 {
			return nil, protocol.ErrInvalidRequest.WithMessage("The feature %s is named twice.", u.Feature)
		}
		updates[i] = metadata.FeatureUpdate{Name: u.Feature, Level: u.MaxVersionLevel, MayDowngrade: mayDowngrade}
	}
	return updates, nil
}
