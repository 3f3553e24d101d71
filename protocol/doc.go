// Package protocol turns bytes into typed things and back: frames and headers,
// requests and responses, record batches and the older message sets.
//
// It knows the wire and nothing else: no socket, no file, no clock, no topic.
//
//	frame ── Header.Parse ─► Header and body
//	                             │ Produce, Fetch: ProduceRequest.Decode, FetchRequest.Decode,
//	                             │   by hand into a reusable struct, without allocation;
//	                             │   Metadata, CreateTopics: by hand, which is short
//	                             │ all other keys: DecodeRequest, which walks the body along
//	                             ▼   its layout and then lets kmsg decode it
//	records ── NextBatch ──► Batch ── CheckBatch ── ValidateRecords ──► the log
//	message set ── ConvertMessageSet ──┘
//
// # Promises
//
//   - Peer input never panics and never makes this package allocate more than a
//     small multiple of the bytes that were received, except for decompressed
//     records, which have a limit of their own (DecodeLimits).
//   - A Batch is a view: accessors read its bytes, setters patch them in place,
//     and nobody re-encodes what a client sent unless its topic asks for it.
//   - What goes wrong is told as an *Error, which carries the code for the
//     client, when the client caused it.
//
// # Who owns what
//
// Nothing here keeps state, apart from pools of decompressors and compressors.
// Every decoded thing aliases the bytes it came from, unless its comment says
// that it was copied: whoever keeps it beyond the frame copies it.
//
// # What is left out
//
// Down-conversion of batches for old fetches; requests among brokers and
// controllers, which have no layout; and which versions are served, which the room
// that serves a key says (a VersionTable only holds what it is given).
package protocol
