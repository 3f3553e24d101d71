package metadata

import "slices"

// FeatureUpdate asks for another level of a feature; 0 takes it back.
type FeatureUpdate struct {
	Name         string
	Level        int16
	MayDowngrade bool
}

// UpdateFeatures makes the records that change the levels of features: all of them,
// or none and the first error (FeatureControlManager, KIP-584). The levels that say
// how the metadata itself is written cannot be changed.
func UpdateFeatures(img *Image, node int32, updates []FeatureUpdate) ([]Record, error) {
	var records []Record
	for _, u := range updates {
		i := slices.IndexFunc(supportedFeatures[:], func(f FeatureRange) bool { return f.Name == u.Name })
		if i < 0 {
			return nil, refuse(ErrInvalidFeatureLevel, "Invalid update version %d for feature %s. Local controller %d does not support this feature.", u.Level, u.Name, node)
		}
		f, now := supportedFeatures[i], img.FeatureLevel(u.Name)
		switch {
		case u.Level == now:
			continue
		case u.Level < f.Min || u.Level > f.Max:
			return nil, refuse(ErrInvalidFeatureLevel, "Invalid update version %d for feature %s. Local controller %d only supports versions %d-%d", u.Level, u.Name, node, f.Min, f.Max)
		case u.Level < now && !u.MayDowngrade:
			return nil, refuse(ErrInvalidFeatureLevel, "Invalid update version %d for feature %s. Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.", u.Level, u.Name)
		case u.Name == FeatureMetadataVersion || u.Name == "kraft.version" || u.Name == featureELR:
			return nil, refuse(ErrInvalidFeatureLevel, "Invalid update version %d for feature %s. Barnabas cannot change the level at which the metadata is written.", u.Level, u.Name)
		}
		records = append(records, &FeatureLevelRecord{u.Name, u.Level})
	}
	return records, nil
}
