package metadata

import "github.com/barnabas-mq/barnabas/protocol"

// BootstrapFile is the name of the file in the data directory that says what its
// metadata begins with; Kafka's format command writes it.
const BootstrapFile = "bootstrap.checkpoint"

// BootstrapCheckpoint is the content of BootstrapFile for the records.
func BootstrapCheckpoint(records []Record, now protocol.Timestamp) []byte {
	var out []byte
	w := snapshotWriter{write: func(b protocol.Batch) error {
		out = append(out, b...)
		return nil
	}}
	head := controlBuilder()
	head.Add(now, controlKey(controlSnapshotHeader), encodeControl(new(snapshotHeader).walk))
	w.batch(head)
	body := protocol.NewBatchBuilder(protocol.DefaultBatchOptions())
	for _, r := range records {
		body.Add(now, nil, mustAppendRecord(nil, r, MetadataVersionMax))
	}
	if body.Count() > 0 {
		w.batch(body)
	}
	foot := controlBuilder()
	foot.Add(now, controlKey(controlSnapshotFooter), encodeControl(new(snapshotFooter).walk))
	w.batch(foot)
	return out
}

// ReadBootstrapCheckpoint reads the records of a BootstrapFile; file names it in
// errors.
func ReadBootstrapCheckpoint(file string, content []byte) ([]Record, error) {
	img, err := readSnapshot(file, content)
	if err != nil {
		return nil, err
	}
	var records []Record
	img.records(func(r Record, _ []byte) bool {
		records = append(records, r)
		return true
	})
	return records, nil
}

// bootstrapRecords is the first batch of a new log, as Kafka 4.3.1 writes it.
func bootstrapRecords(records []Record) []Record {
	name := "Bootstrap records"
	out := append([]Record{&BeginTransactionRecord{Name: &name}}, records...)
	for _, r := range records {
		// With eligible leader replicas the cluster-wide minimum has to be explicit.
		if f, ok := r.(*FeatureLevelRecord); ok && f.Name == featureELR && f.Level > 0 {
			one := "1"
			out = append(out, &ConfigRecord{ResourceBroker, "", "min.insync.replicas", &one})
		}
	}
	return append(out, &EndTransactionRecord{})
}
