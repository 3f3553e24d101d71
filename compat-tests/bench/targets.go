package main

import "slices"

// bestKfake is kfake in whichever mode is better for a figure.
const bestKfake = "kfake,kfake-memory"

// The goals of each series; those that a series has beside them lie with its workloads.

// Produce and consume: speed, and what it costs the broker.
var throughputTargets = []goal{
	{row: "produce 1 KiB", unit: "MB/s", column: "kafka", ratio: true, atLeast: 2.7},
	{row: "produce 1 KiB", unit: "MB/s", column: "kfake", ratio: true, atLeast: 1.25},
	{row: "produce 1 KiB", unit: "MB/s", column: nullBroker, ratio: true, atLeast: 0.78},
	{row: "produce 1 KiB", unit: "CPU s/GB", column: "kafka", ratio: true, atMost: 0.18},
	{row: "produce 1 KiB", unit: "CPU s/GB", column: bestKfake, ratio: true, atMost: 0.58},
	{row: "produce 1 KiB", unit: "CPU s/GB", column: "barnabas", atMost: 0.50},

	{row: "produce 100 B", unit: "CPU us each", column: "kafka", ratio: true, atMost: 0.25},
	{row: "produce 100 B", unit: "CPU us each", column: bestKfake, ratio: true, atMost: 0.45},
	{row: "produce 100 B", unit: "CPU us each", column: nullBroker, ratio: true, atMost: 1.4},

	{row: raw128KiB.name, unit: "MB/s", column: "kafka", ratio: true, atLeast: 4},
	{row: raw128KiB.name, unit: "MB/s", column: bestKfake, ratio: true, atLeast: 2},
	{row: raw128KiB.name, unit: "MB/s", column: nullBroker, ratio: true, atLeast: 0.45},
	{row: raw16KiB.name, unit: "MB/s", column: "kafka", ratio: true, atLeast: 5},
	{row: raw16KiB.name, unit: "MB/s", column: bestKfake, ratio: true, atLeast: 2.5},
	{row: raw16KiB.name, unit: "MB/s", column: nullBroker, ratio: true, atLeast: 0.6},

	{row: raw1000.name, unit: "MB/s", column: bestKfake, ratio: true, atLeast: 2},

	{row: "single-record requests", unit: "k/s", column: "kafka", ratio: true, atLeast: 6.5},
	{row: "single-record requests", unit: "k/s", column: bestKfake, ratio: true, atLeast: 1.8},
	{row: "single-record requests", unit: "CPU us each", column: "kafka", ratio: true, atMost: 0.08},
	{row: "single-record requests", unit: "CPU us each", column: bestKfake, ratio: true, atMost: 0.30},
	{row: "single-record requests", unit: "CPU us each", column: nullBroker, ratio: true, atMost: 1.25},

	{row: "consume 1 KiB", unit: "MB/s", column: "kafka", ratio: true, atLeast: 1},
	{row: "consume 1 KiB", unit: "MB/s", column: bestKfake, ratio: true, atLeast: 3},
	{row: "consume 1 KiB", unit: "CPU s/GB", column: "kafka", ratio: true, atMost: 0.8},
	{row: "consume 1 KiB", unit: "CPU s/GB", column: bestKfake, ratio: true, atMost: 0.10},
	{row: fetch1MiB.name, unit: "MB/s", column: "kafka", ratio: true, atLeast: 1.15},
	{row: fetch1MiB.name, unit: "MB/s", column: bestKfake, ratio: true, atLeast: 2.2},
	{row: fetch1MiB.name, unit: "CPU s/GB", column: "kafka", ratio: true, atMost: 0.65},
	{row: fetch1MiB.name, unit: "CPU s/GB", column: bestKfake, ratio: true, atMost: 0.25},
}

// Everything synced.
var durableTargets = []goal{
	{row: durableSingle, unit: "p50 ms", column: "kafka", ratio: true, atMost: 0.25},
	{row: durableSingle, unit: "p50 ms", column: "kfake", ratio: true, atMost: 0.4},
	{row: durableOne, unit: "MB/s", column: "kafka", ratio: true, atLeast: 8},
	{row: durableOne, unit: "MB/s", column: "kfake", ratio: true, atLeast: 6},
	{row: durableSix, unit: "MB/s", column: "kafka", ratio: true, atLeast: 5},
	{row: durableSix, unit: "MB/s", column: "kfake", ratio: true, atLeast: 8},
}

// From one end to the other.
var latencyTargets = slices.Concat(
	endToEndTargets(e2eSlowRow),
	endToEndTargets(e2eFastRow),
	endToEndTargets(e2eRow),
	[]goal{
		{row: e2eRow, unit: "stalls", column: "barnabas", none: true},
		{row: e2eRow, unit: "lost wakes", column: "barnabas", none: true},
		{row: waitersRow, unit: "CPU us each", column: bestKfake, ratio: true, atMost: 0.55},
	})

func endToEndTargets(row string) []goal {
	return []goal{
		{row: row, unit: "p50 ms", column: "kafka", ratio: true, atMost: 0.3},
		{row: row, unit: "p99 ms", column: "kafka", ratio: true, atMost: 0.25},
		{row: row, unit: "p50 ms", column: "kfake-memory", ratio: true, atMost: 0.9},
		{row: row, unit: "p99 ms", column: "kfake-memory", ratio: true, atMost: 0.75},
	}
}

// Starts with nothing stored.
var startTargets = []goal{
	{row: startRow, unit: "ms", column: "kafka", ratio: true, atMost: 0.005},
	{row: startRow, unit: "ms", column: bestKfake, ratio: true, atMost: 1.3},
}

// Starts with what peers take long over.
var startManyTargets = []goal{
	{row: startManyRow, unit: "ms", column: "kfake", ratio: true, atMost: 0.04},
	{row: startManyRow, unit: "ms", column: "kafka", ratio: true, atMost: 0.005},
	{row: startManyKilledRow, unit: "ms", column: "kfake", ratio: true, atMost: 0.06},
	{row: startManyKilledRow, unit: "ms", column: "kafka", ratio: true, atMost: 0.005},
}

var startBigTargets = []goal{
	{row: startBigKilledRow, unit: "ms", column: "kfake", ratio: true, atMost: 0.03},
}

// Memory and scale.
var scaleTargets = []goal{
	{row: rssIdleRow, unit: "MiB", column: "kafka", ratio: true, atMost: 0.04},
	{row: rssIdleRow, unit: "MiB", column: bestKfake, ratio: true, atMost: 1.4},
	{row: rssIdleRow, unit: "MiB", column: "barnabas", atMost: 14},
	{row: rssAfterRow, unit: "MiB", column: "kafka", ratio: true, atMost: 0.05},
	{row: rssAfterRow, unit: "MiB", column: "barnabas", atMost: 48},
	{row: peakConsumeRow, unit: "MiB", column: bestKfake, ratio: true, atMost: 0.2},
	{row: manyConnectionsRow, unit: "KiB each", column: "kafka", ratio: true, atMost: 0.3},
	{row: manyConnectionsRow, unit: "KiB each", column: bestKfake, ratio: true, atMost: 0.55},

	{row: createTopicsRow, unit: "us each", column: "kafka", ratio: true, atMost: 0.03},
	{row: createTopicsRow, unit: "us each", column: bestKfake, ratio: true, atMost: 0.5},
	{row: metadataRow, unit: "ms", column: "kafka", ratio: true, atMost: 0.15},
	{row: metadataRow, unit: "ms", column: bestKfake, ratio: true, atMost: 0.1},
	{row: acceptedRow, unit: "k", column: "barnabas", atLeast: 100, once: true},
}

// Groups.
var groupTargets = []goal{
	{row: joinRow, unit: "ms", column: "kafka", ratio: true, atMost: 0.05},
	{row: joinRow, unit: "ms", column: bestKfake, ratio: true, atMost: 0.6},
	{row: commitsRow, unit: "k/s", column: "kafka", ratio: true, atLeast: 5},
	{row: commitsRow, unit: "k/s", column: bestKfake, ratio: true, atLeast: 4},
}

var transactionTargets = []goal{
	{row: oneTransactionRow, unit: "k/s", column: "kafka", ratio: true, atLeast: 4},
	{row: oneTransactionRow, unit: "k/s", column: bestKfake, ratio: true, atLeast: 1},
}
