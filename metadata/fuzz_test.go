package metadata

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/barnabas-mq/barnabas/protocol"
)

// Whatever records a log holds, replay refuses them or gives an image that a
// snapshot holds whole.
func FuzzReplayAndSnapshot(f *testing.F) {
	var all []byte
	for _, g := range goldens(f) {
		all = binary.BigEndian.AppendUint16(all, uint16(len(g.value)))
		all = append(all, g.value...)
		f.Add(slices.Clone(all[len(all)-len(g.value)-2:]))
	}
	f.Add(all)
	f.Fuzz(func(t *testing.T, data []byte) {
		// Older versions write fewer fields than the records here may have.
		start := imageOf(t, &FeatureLevelRecord{FeatureMetadataVersion, MetadataVersionMax})
		r := reader{file: "fuzz", draft: start.edit()}
		for len(data) >= 2 {
			n := int(binary.BigEndian.Uint16(data))
			data = data[2:]
			if n > len(data) {
				return
			}
			b := protocol.NewBatchBuilder(protocol.DefaultBatchOptions())
			b.Add(1, nil, data[:n])
			if err := r.batch(b.Build(r.next, 1)); err != nil {
				// A batch that was refused may have been applied in part, as when a
				// start is refused; what is left is not used.
				return
			}
			data = data[n:]
		}
		img := r.draft.image()
		if img.MetadataVersion() != MetadataVersionMax {
			return
		}
		var snapshot []byte
		if err := img.snapshotBatches(1, func(b protocol.Batch) error {
			snapshot = append(snapshot, b...)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		back, err := readSnapshot("snapshot", snapshot)
		if err != nil {
			t.Fatal(err)
		}
		back.end, back.epoch = img.end, img.epoch
		same(t, back, img)
	})
}
