package metadata

import "fmt"

// supportedFeatures are the features with the levels that Kafka 4.3.1 registers.
// A directory below MetadataVersionMin is refused at open nevertheless; clients
// that compare ranges expect Kafka's.
var supportedFeatures = [...]FeatureRange{
	{featureELR, 0, 1},
	{"group.version", 0, 1},
	{"kraft.version", 0, 1},
	{FeatureMetadataVersion, 7, MetadataVersionMax},
	{"share.version", 0, 1},
	{"streams.version", 0, 1},
	{"transaction.version", 0, 2},
}

// SupportedFeatures lists the features that this broker knows with the range of
// their levels, by name.
func SupportedFeatures() []FeatureRange {
	list := supportedFeatures
	return list[:]
}

// checkFeatures refuses metadata that uses features beyond those that we know.
func (rec *recovery) checkFeatures() error {
	refuse := func(format string, args ...any) error {
		return &UnsupportedError{File: rec.dir, Offset: -1, Reason: fmt.Sprintf(format, args...)}
	}
	if v := rec.img.MetadataVersion(); v < MetadataVersionMin {
		return refuse("metadata.version is %d; this version opens %d (3.9-IV0) to %d (4.3-IV0)", v, MetadataVersionMin, MetadataVersionMax)
	}
	if v := rec.img.kraftVersion; v > 1 {
		return refuse("kraft.version is %d; this version opens 0 and 1", v)
	}
	for _, f := range rec.img.features {
		if known, highest := featureMax(f.Name); !known || f.Level > highest {
			return refuse("feature %s is at level %d, which this version does not know", f.Name, f.Level)
		}
	}
	return nil
}

func featureMax(name string) (known bool, highest int16) {
	for _, f := range supportedFeatures {
		if f.Name == name {
			return true, f.Max
		}
	}
	return false, 0
}

// DefaultBootstrap is what a new directory begins with: the features of 4.3-IV0.
func DefaultBootstrap() []Record {
	return []Record{
		&FeatureLevelRecord{FeatureMetadataVersion, MetadataVersionMax},
		&FeatureLevelRecord{featureELR, 1},
		&FeatureLevelRecord{"group.version", 1},
		&FeatureLevelRecord{"share.version", 1},
		&FeatureLevelRecord{"streams.version", 1},
		&FeatureLevelRecord{"transaction.version", 2},
	}
}
