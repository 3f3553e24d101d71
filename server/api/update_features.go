package api

// UpdateFeatures (key 57), versions 0 to 2.
//
// Changes the levels of features: group.version, share.version, transaction.version. All updates of
// a request happen, or none. Levels that say how the metadata is written cannot be
// changed (docs/compatibility.md). Of a feature that is named twice the last level counts.
//
//	v0  whether a downgrade is allowed is not looked at, as in Kafka (QuorumController
//	    reads the kind of update, which is an upgrade here)
//	v1  kinds of updates; validation alone
//	v2  no results per feature

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var updateFeatures = now(kmsg.UpdateFeatures, 0, 2, (*API).updateFeatures).onCluster(auth.Alter)

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
		_, err = a.change(r, q.TimeoutMillis, q.ValidateOnly, func(image *metadata.Image) ([]metadata.Record, error) {
			return metadata.UpdateFeatures(image, a.Config().NodeID, updates)
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
		for i := range q.FeatureUpdates {
			one := kmsg.NewUpdateFeaturesResponseResult()
			one.Feature, one.ErrorMessage = q.FeatureUpdates[i].Feature, &noError
			p.Results = append(p.Results, one)
		}
	}
	return p
}

// noError is what Kafka has for a message of a feature without an error.
var noError = "NONE"

func featureUpdates(q *kmsg.UpdateFeaturesRequest) ([]metadata.FeatureUpdate, error) {
	updates := make([]metadata.FeatureUpdate, 0, len(q.FeatureUpdates))
	last := make(map[string]int, len(q.FeatureUpdates))
	for _, u := range q.FeatureUpdates {
		mayDowngrade := false
		if q.Version >= updateKindsSince {
			mayDowngrade = u.UpgradeType == updateSafeDowngrade || u.UpgradeType == updateUnsafeDowngrade
			if !mayDowngrade && u.UpgradeType != updateUpgrade {
				return nil, protocol.ErrInvalidUpdateVersion.WithMessage("The upgrade type %d of feature %s is unknown.", u.UpgradeType, u.Feature)
			}
		}
		update := metadata.FeatureUpdate{Name: u.Feature, Level: u.MaxVersionLevel, MayDowngrade: mayDowngrade}
		if at, named := last[u.Feature]; named {
			updates[at] = update
			continue
		}
		last[u.Feature] = len(updates)
		updates = append(updates, update)
	}
	return updates, nil
}
