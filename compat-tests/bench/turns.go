package main

import (
	"hash/fnv"
	"math/rand/v2"
)

// turns is the order in which n brokers are taken through a workload in a round. It is
// another one for each workload and round, so that nobody always comes after the same
// one, and the same whenever the benchmark runs.
func turns(workload string, round, n int) []int {
	seed := fnv.New64a()
	_, _ = seed.Write([]byte(workload)) // a hash does not fail
	return rand.New(rand.NewPCG(seed.Sum64(), uint64(round))).Perm(n)
}
