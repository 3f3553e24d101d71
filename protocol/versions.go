package protocol

import (
	"cmp"
	"slices"

	"github.com/barnabas-mq/barnabas/internal/invariant"
)

// Version is the range of versions in which an API key is served.
type Version struct {
	Key      int16
	Name     string
	Min, Max int16
}

// VersionTable is what is served. It never changes.
type VersionTable struct {
	rows []Version // ascending by key
}

// NewVersionTable makes a table. A key may occur once, with a range that exists.
func NewVersionTable(versions []Version) *VersionTable {
	t := &VersionTable{rows: slices.Clone(versions)}
	slices.SortFunc(t.rows, func(a, b Version) int { return cmp.Compare(a.Key, b.Key) })
	for i, v := range t.rows {
		invariant.Check(v.Key >= 0 && v.Min >= 0 && v.Min <= v.Max, "API key %d serves versions %d to %d", v.Key, v.Min, v.Max)
		invariant.Check(i == 0 || t.rows[i-1].Key != v.Key, "API key %d is twice in the version table", v.Key)
	}
	return t
}

// Lookup finds a key.
func (t *VersionTable) Lookup(key int16) (Version, bool) {
	at, found := slices.BinarySearchFunc(t.rows, key, func(v Version, key int16) int { return cmp.Compare(v.Key, key) })
	if !found {
		return Version{}, false
	}
	return t.rows[at], true
}

// Rows are all entries, ascending by key. They must not be changed.
func (t *VersionTable) Rows() []Version { return t.rows }

// SupportedFeature is a range of levels that the broker can run with.
type SupportedFeature struct {
	Name     string
	Min, Max int16
}

// FinalizedFeature is the level that the cluster runs with.
type FinalizedFeature struct {
	Name     string
	Min, Max int16
}

// ApiVersionsInput is what an ApiVersions response says beside the version table.
type ApiVersionsInput struct {
	ErrorCode      int16
	ThrottleMillis int32
	Supported      []SupportedFeature
	Finalized      []FinalizedFeature
	// FinalizedEpoch is -1 when there is none. Java producers use the newer
	// transaction protocol only with an epoch of 0 or more.
	FinalizedEpoch int64
}

// AppendApiVersions appends the body of an ApiVersions response, v0 to v5.
//
// Versions below 4 leave out features whose range starts at 0, because older Java
// clients throw on them (KAFKA-17011).
func (t *VersionTable) AppendApiVersions(dst []byte, version int16, in ApiVersionsInput) []byte {
	flexible := version >= 3
	dst = appendInt16(dst, in.ErrorCode)
	if flexible {
		dst = appendUvarint(dst, uint64(len(t.rows))+1)
	} else {
		dst = appendInt32(dst, int32(len(t.rows)))
	}
	for _, v := range t.rows {
		dst = appendInt16(dst, v.Key)
		dst = appendInt16(dst, v.Min)
		dst = appendInt16(dst, v.Max)
		if flexible {
			dst = append(dst, 0)
		}
	}
	if version >= 1 {
		dst = appendInt32(dst, in.ThrottleMillis)
	}
	if flexible {
		dst = appendFeatures(dst, version, in)
	}
	return dst
}

// AppendUnsupportedApiVersions appends the body with which a version of
// ApiVersions that is not served is answered, whatever it was: that of version 0,
// with error 35 and the range of ApiVersions, so that the client asks again
// (KIP-511).
func (t *VersionTable) AppendUnsupportedApiVersions(dst []byte) []byte {
	own, _ := t.Lookup(KeyApiVersions)
	dst = appendInt16(dst, ErrUnsupportedVersion.Code)
	dst = appendInt32(dst, 1)
	dst = appendInt16(dst, KeyApiVersions)
	dst = appendInt16(dst, own.Min)
	return appendInt16(dst, own.Max)
}

// Tags of the ApiVersions response.
const (
	tagSupportedFeatures = 0
	tagFinalizedEpoch    = 1
	tagFinalizedFeatures = 2
)

func appendFeatures(dst []byte, version int16, in ApiVersionsInput) []byte {
	supported := in.Supported
	if version < 4 {
		supported = slices.DeleteFunc(slices.Clone(supported), func(f SupportedFeature) bool { return f.Min == 0 })
	}
	tags := uint64(0)
	if len(supported) > 0 {
		tags++
	}
	if in.FinalizedEpoch != None {
		tags++
	}
	if len(in.Finalized) > 0 {
		tags++
	}
	dst = appendUvarint(dst, tags)
	if len(supported) > 0 {
		dst = appendTag(dst, tagSupportedFeatures, func(b []byte) []byte {
			b = appendUvarint(b, uint64(len(supported))+1)
			for _, f := range supported {
				b = appendInt16(appendInt16(appendCompactString(b, f.Name), f.Min), f.Max)
				b = append(b, 0)
			}
			return b
		})
	}
	if in.FinalizedEpoch != None {
		dst = appendTag(dst, tagFinalizedEpoch, func(b []byte) []byte { return appendInt64(b, in.FinalizedEpoch) })
	}
	if len(in.Finalized) > 0 {
		dst = appendTag(dst, tagFinalizedFeatures, func(b []byte) []byte {
			b = appendUvarint(b, uint64(len(in.Finalized))+1)
			for _, f := range in.Finalized {
				b = appendInt16(appendInt16(appendCompactString(b, f.Name), f.Max), f.Min)
				b = append(b, 0)
			}
			return b
		})
	}
	return dst
}
