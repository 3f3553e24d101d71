package metadata

import "github.com/barnabas-mq/barnabas/protocol"

// snapshotBatchBytes is where a snapshot begins a new batch: far below the 8 MiB
// that Kafka's reader accepts, large enough that headers do not count.
const snapshotBatchBytes = 256 << 10

// recordYield takes the next record of a snapshot and tells whether to go on. The
// value is nil unless the bytes must stay as they are.
type recordYield func(r Record, value []byte) bool

// records yields what a snapshot of the image holds, in the order in which Kafka
// 4.3.1 was seen to write it.
func (img *Image) records(yield recordYield) {
	_ = img.clusterRecords(yield) && img.topicRecords(yield) && img.configRecords(yield) &&
		img.quotaRecords(yield) && img.producerIDRecords(yield) &&
		img.aclRecords(yield) && img.scramRecords(yield) &&
		img.tokenRecords(yield) && img.keptRecords(yield)
}

func (img *Image) clusterRecords(yield recordYield) bool {
	// metadata.version comes first: it tells how to read the rest.
	if level := img.MetadataVersion(); level != 0 && !yield(&FeatureLevelRecord{FeatureMetadataVersion, level}, nil) {
		return false
	}
	for _, f := range img.features {
		if f.Name != FeatureMetadataVersion && !yield(&FeatureLevelRecord{f.Name, f.Level}, nil) {
			return false
		}
	}
	for _, b := range img.brokers {
		if !yield(b.record(), nil) {
			return false
		}
	}
	for _, c := range img.controllers {
		if !yield(c.record(), nil) {
			return false
		}
	}
	return true
}

func (img *Image) topicRecords(yield recordYield) bool {
	for t := range img.Topics() {
		if !yield(&TopicRecord{t.Name, t.ID}, nil) {
			return false
		}
		for i := range t.Partitions {
			if !yield(t.Partitions[i].record(t.ID), nil) {
				return false
			}
		}
	}
	return true
}

func (img *Image) configRecords(yield recordYield) bool {
	for key, config := range img.configs.from("") {
		for i := range config {
			r := &ConfigRecord{ResourceType(key[0]), key[1:], config[i].Name, &config[i].Value}
			if !yield(r, nil) {
				return false
			}
		}
	}
	return true
}

func (img *Image) producerIDRecords(yield recordYield) bool {
	return img.nextProducerID == 0 || yield(img.producerIDsRecord(), nil)
}

func (img *Image) producerIDsRecord() *ProducerIDsRecord {
	return &ProducerIDsRecord{BrokerID: -1, BrokerEpoch: -1, NextProducerID: img.nextProducerID}
}

// snapshotBatches calls write with the batches of a snapshot of the image.
func (img *Image) snapshotBatches(now protocol.Timestamp, write func(protocol.Batch) error) error {
	w := snapshotWriter{epoch: img.epoch, write: write}
	head := controlBuilder()
	head.Add(now, controlKey(controlSnapshotHeader), encodeControl((&snapshotHeader{0, img.timestamp}).walk))
	if img.kraftVersion > 0 {
		head.Add(now, controlKey(controlKRaftVersion), encodeControl((&kraftVersion{0, img.kraftVersion}).walk))
		head.Add(now, controlKey(controlKRaftVoters), img.voters)
	}
	w.batch(head)

	var scratch []byte
	body := protocol.NewBatchBuilder(protocol.DefaultBatchOptions())
	metadataVersion := img.MetadataVersion()
	img.records(func(r Record, value []byte) bool {
		if value == nil {
			scratch = mustAppendRecord(scratch[:0], r, metadataVersion)
			value = scratch
		}
		body.Add(now, nil, value)
		if body.Size() >= snapshotBatchBytes {
			w.batch(body)
		}
		return w.err == nil
	})
	if body.Count() > 0 {
		w.batch(body)
	}
	foot := controlBuilder()
	foot.Add(now, controlKey(controlSnapshotFooter), encodeControl(new(snapshotFooter).walk))
	w.batch(foot)
	return w.err
}

// snapshotWriter numbers batches from 0.
type snapshotWriter struct {
	epoch protocol.Epoch
	next  protocol.Offset
	write func(protocol.Batch) error
	err   error
}

func (w *snapshotWriter) batch(b *protocol.BatchBuilder) {
	count := b.Count()
	if w.err == nil {
		w.err = w.write(b.Build(w.next, w.epoch))
		w.next += protocol.Offset(count)
	}
}

// readSnapshot reads the image that the bytes of a snapshot hold. The caller
// sets its end and epoch from the file's name.
func readSnapshot(file string, data []byte) (*Image, error) {
	r := reader{file: file, snapshot: true, draft: new(Image).edit()}
	for len(data) > 0 {
		batch, rest, err := protocol.NextBatch(data)
		if err == nil {
			err = protocol.VerifyBatch(batch)
		}
		if err != nil {
			return nil, r.corrupt(r.next, "a batch is damaged", err)
		}
		if r.footer {
			return nil, r.corrupt(r.next, "data follows the footer", nil)
		}
		if err := r.batch(batch); err != nil {
			return nil, err
		}
		if !r.header {
			return nil, r.corrupt(0, "the snapshot does not begin with a header", nil)
		}
		data = rest
	}
	if !r.footer {
		return nil, r.corrupt(r.next, "the snapshot ends without a footer", nil)
	}
	return r.draft.image(), nil
}
