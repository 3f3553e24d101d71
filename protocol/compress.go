package protocol

import (
	"bytes"
	"io"
	"sync"

	"github.com/barnabas-mq/barnabas/internal/invariant"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// LevelDefault asks for the codec's default level, as Kafka's defaults of
// compression.gzip.level (-1), .lz4.level (9) and .zstd.level (3) are.
const LevelDefault = -1 << 31

// appendCompressed appends src to dst, compressed. Levels outside the codec's
// range are taken as the nearest that it has.
func appendCompressed(dst, src []byte, codec Codec, level int) []byte {
	out := bytes.NewBuffer(dst)
	var err error
	switch codec {
	case CodecNone:
		return append(dst, src...)
	case CodecGzip:
		err = compressGzip(out, bytes.NewReader(src), level)
	case CodecSnappy:
		return appendXerial(dst, src)
	case CodecLZ4:
		err = compressLZ4(out, bytes.NewReader(src), level)
	case CodecZstd:
		return zstdEncoder(level).EncodeAll(src, dst)
	default:
		invariant.Check(false, "compression with %v", codec)
	}
	invariant.Check(err == nil, "compression with %v into memory failed: %v", codec, err)
	return out.Bytes()
}

// compressStream is appendCompressed for what is too large to be held. Its errors are
// those of both ends.
func compressStream(out io.Writer, src io.Reader, codec Codec, level int) error {
	switch codec {
	case CodecGzip:
		return compressGzip(out, src, level)
	case CodecSnappy:
		return compressXerial(out, src)
	case CodecLZ4:
		return compressLZ4(out, src, level)
	case CodecZstd:
		return compressZstd(out, src, level)
	}
	_, err := io.Copy(out, src)
	return err
}

// gzipWriters has a pool per level, because a writer takes a megabyte.
var gzipWriters [gzip.BestCompression - gzip.DefaultCompression + 1]sync.Pool

func compressGzip(out io.Writer, src io.Reader, level int) error {
	if level == LevelDefault {
		level = gzip.DefaultCompression
	}
	level = min(max(level, gzip.DefaultCompression), gzip.BestCompression)
	pool := &gzipWriters[level-gzip.DefaultCompression]
	w, _ := pool.Get().(*gzip.Writer)
	if w == nil {
		var err error
		if w, err = gzip.NewWriterLevel(out, level); err != nil {
			return err
		}
	} else {
		w.Reset(out)
	}
	defer func() {
		w.Reset(nil) // it must not keep the output alive
		pool.Put(w)
	}()
	if _, err := io.Copy(w, src); err != nil {
		return err
	}
	return w.Close()
}

// lz4LevelDefault is the default of compression.lz4.level.
const lz4LevelDefault = 9

// compressLZ4 writes the frame as Java's writer does: independent blocks of
// 64 KiB, without a checksum of the content. Level 9 is the default there and means the
// fast compressor; the other levels are those of the thorough one (Lz4BlockOutputStream).
func compressLZ4(out io.Writer, src io.Reader, level int) error {
	if level == LevelDefault {
		level = lz4LevelDefault
	}
	levels := [...]lz4.CompressionLevel{lz4.Level1, lz4.Level2, lz4.Level3, lz4.Level4, lz4.Level5, lz4.Level6,
		lz4.Level7, lz4.Level8, lz4.Level9}
	speed := levels[min(max(level, 1), len(levels))-1]
	if level == lz4LevelDefault {
		speed = lz4.Fast
	}
	w := lz4.NewWriter(out)
	err := w.Apply(lz4.BlockSizeOption(lz4.Block64Kb), lz4.ChecksumOption(false), lz4.ConcurrencyOption(1),
		lz4.CompressionLevelOption(speed))
	if err != nil {
		return err
	}
	if _, err := io.Copy(struct{ io.Writer }{w}, src); err != nil { // its ReadFrom refuses what was written to
		return err
	}
	return w.Close()
}

// zstdLevelDefault is the default of compression.zstd.level.
const zstdLevelDefault = 3

// zstdEncoders has one encoder per speed, which may be used by many at once for what is held.
// Whoever compresses a stream needs one alone: those come from a pool, because each takes
// megabytes.
var zstdEncoders [zstd.SpeedBestCompression + 1]struct {
	once    sync.Once
	encoder *zstd.Encoder
	streams sync.Pool
}

// zstdSpeed is the nearest that there is to a level.
func zstdSpeed(level int) zstd.EncoderLevel {
	if level == LevelDefault {
		level = zstdLevelDefault
	}
	return zstd.EncoderLevelFromZstd(level)
}

func zstdEncoder(level int) *zstd.Encoder {
	speed := zstdSpeed(level)
	e := &zstdEncoders[speed]
	e.once.Do(func() { e.encoder = newZstdEncoder(speed) })
	return e.encoder
}

func compressZstd(out io.Writer, src io.Reader, level int) error {
	speed := zstdSpeed(level)
	streams := &zstdEncoders[speed].streams
	w, _ := streams.Get().(*zstd.Encoder)
	if w == nil {
		w = newZstdEncoder(speed)
	}
	w.Reset(out)
	defer func() {
		w.Reset(nil) // it must not keep the output alive
		streams.Put(w)
	}()
	if _, err := w.ReadFrom(src); err != nil {
		return err
	}
	return w.Close()
}

func newZstdEncoder(speed zstd.EncoderLevel) *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(speed), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(zstdWindowStreamed/8), zstd.WithLowerEncoderMem(true))
	invariant.Check(err == nil, "zstd at speed %v: %v", speed, err)
	return e
}
