package protocol

import "encoding/binary"

// NextBatch splits the first whole batch off. It checks that the length field is
// possible and that the bytes are there, and nothing else: an entry of format 0
// or 1 passes too, of which only BaseOffset, Size and Magic may be asked.
func NextBatch(b []byte) (batch Batch, rest []byte, err error) {
	if len(b) < legacyEntryBytesMin {
		return nil, b, ErrCorruptMessage.WithMessage("%d bytes are too few for a batch", len(b))
	}
	batch = Batch(b)
	length := int64(int32(binary.BigEndian.Uint32(b[8:])))
	size := length + batchLengthOffset
	least := int64(legacyEntryBytesMin)
	if batch.Magic() >= 2 || batch.Magic() < 0 {
		least = BatchHeaderBytes
	}
	if size < least {
		return nil, b, ErrCorruptMessage.WithMessage("the batch claims a length of %d bytes, too few for its header", length)
	}
	if size > int64(len(b)) {
		return nil, b, ErrCorruptMessage.WithMessage("the batch claims %d bytes, but %d are there", size, len(b))
	}
	return batch[:size:size], b[size:], nil
}

// VerifyBatch checks that the bytes are one undamaged batch of magic 2: its
// length field is the length of b and its CRC is right. It says nothing of the
// meaning of the fields, so it suits what a log or a coordinator wrote itself,
// control batches and compacted batches included.
func VerifyBatch(b Batch) error {
	if len(b) < legacyEntryBytesMin {
		return ErrCorruptMessage.WithMessage("%d bytes are too few for a batch", len(b))
	}
	if b.Magic() != 2 {
		return ErrInvalidRecord.WithMessage("the batch has format %d, where only format 2 is allowed", b.Magic())
	}
	if len(b) < BatchHeaderBytes || b.Size() != len(b) {
		return ErrCorruptMessage.WithMessage("the batch claims %d bytes, but has %d", b.Size(), len(b))
	}
	if stored, computed := b.CRC(), b.ComputeCRC(); stored != computed {
		return ErrCorruptMessage.WithMessage("the batch is damaged (stored CRC %d, computed CRC %d)", stored, computed)
	}
	return nil
}

// CheckBatch checks what a batch from a client must satisfy before its records
// are looked at, in the order in which Apache Kafka checks it
// (UnifiedLog.analyzeAndValidateRecords, LogValidator.validateBatch): an undamaged
// batch of magic 2 at base offset 0, with as many records as its offsets say, of a
// known codec, no control batch, and with a sequence if it has a producer id.
func CheckBatch(b Batch) error {
	if err := VerifyBatch(b); err != nil {
		return err
	}
	switch {
	case b.BaseOffset() != 0:
		return ErrInvalidRecord.WithMessage("the base offset of a batch to append must be 0, not %d", b.BaseOffset())
	case b.Count() <= 0:
		return ErrInvalidRecord.WithMessage("the batch claims %d records", b.Count())
	case int64(b.LastOffsetDelta())+1 != int64(b.Count()):
		return ErrInvalidRecord.WithMessage("the batch claims %d records, but offsets up to %d", b.Count(), b.LastOffsetDelta())
	case b.IsControl():
		return ErrInvalidRecord.WithMessage("clients may not write control records")
	case b.ProducerID() >= 0 && b.BaseSequence() < 0:
		return ErrInvalidRecord.WithMessage("the batch of producer %d has the sequence number %d", b.ProducerID(), b.BaseSequence())
	case !b.Codec().Known():
		return ErrUnsupportedCompressionType.WithMessage("the batch is compressed with the unknown codec %d", int8(b.Codec()))
	case int(b.Count()) > len(b.Payload()) && b.Codec() == CodecNone:
		return ErrInvalidRecord.WithMessage("the batch claims %d records in %d bytes", b.Count(), len(b.Payload()))
	}
	return nil
}
