// Package crash kills a broker under load and checks what is left against what
// was promised.
//
// A Ledger holds what a producer sent, what was acknowledged at which offset,
// what a reader saw while the broker was killed again and again, and what a
// second reader found at the end; Check names every broken promise:
//
//	lost       acknowledged, but not at its offset
//	doubled    one value at two offsets
//	reordered  values of a partition not in the order in which they were sent
//	foreign    a value that nobody sent, or with other bytes
//	gap        an offset that is missing
//	vanished   seen by the live reader, not there at the end
//	changed    an offset that held two values
//	went back  log start, last stable offset or high watermark fell
//
// A value that was sent and never acknowledged may be there or not.
//
// The moments of the kills come from a seed, which every run logs; CRASH_SEED
// takes one again (the load itself is not repeated to the byte):
//
//	CRASH_SEED=42 go test ./crash -run 'TestKillUnderLoad/barnabas_server' -v
package crash
