// Package wal is a write-ahead log in a folder: groups of entries, each group
// durable when Write returns, read again by Replay after a crash.
//
//	DIR/00000000.wal   slots of one size, zero-filled ahead in pieces and used again
//	DIR/00000001.wal
//	DIR/lineage        which processes may replay it
//
// A slot, big-endian:
//
//	   0 "BARNAWAL"        8   20 life int64: sequence of the first slot that its process wrote
//	   8 version int16 = 1     28 first group number int64
//	  10 owner length int16    36 nonce int64
//	  12 sequence int64        44 owner, then CRC-32C of all before it
//	                         4096 groups, each from the next multiple of 4096 on
//
//	group:  0 "BWGR"         16 entries int32         36 CRC-32C [0:36]
//	        4 bytes int32    20 sequence of the slot  40 entries, back to back
//	        8 number int64   28 nonce of the slot
//
//	entry:  0 bytes of head and body int32    8 CRC-32C of group number, [0:8], head
//	        4 bytes of head int16            12 head, body
//	        6 kind int8, 7 zero
//
// The head is guarded by the entry's CRC. The body guards itself: whoever replays
// says how to check it, so that large bodies are summed up once, not twice.
//
// Promises:
//
//   - A group is durable when Write returns: one write over blocks that were written
//     before, in a file that is opened for synchronous writes, past the page cache
//     where the system can. There is no timer. No block is written twice, so that a
//     torn write harms nothing that is durable.
//   - Nothing of a slot's former use is taken for new: groups carry the slot's
//     sequence, entries the number of their group, and no number is given twice. Nor
//     is anything in a body, which others may choose: nobody can guess the nonce.
//   - A group counts as settled once another of the same process follows it: whoever
//     writes groups one after the other, and each only when the one before is dealt
//     with, knows that much of a settled group and no more of the last one.
//   - A torn last group is an end. Damage before a settled group's end is an error, or
//     an entry marked Damaged when its head is whole.
//   - No more than SlotsMax slots, no larger than SlotBytes: Write answers ErrFull
//     instead, as it does when the disk is full, and nothing is lost by that.
//
// Who owns what: a Log is safe for concurrent use; its mutex is held for a write.
// What entries mean, when their slots may be freed and who waits is the caller's
// business (logstore/disk).
package wal
