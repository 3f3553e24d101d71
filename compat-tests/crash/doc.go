// Package crash kills a broker under load and checks what is left against what
// was promised.
//
// A Ledger holds what a producer sent, what was acknowledged at which offset,
// and what a reader found at the end; Check names every broken promise:
//
//	lost       acknowledged, but not at its offset
//	doubled    one value at two offsets
//	reordered  values of a partition not in the order in which they were sent
//	foreign    a value that nobody sent
//
// A value that was sent and never acknowledged may be there or not.
package crash
