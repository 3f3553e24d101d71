package main

// bestKfake is kfake in whichever mode is better for a figure.
const bestKfake = "kfake,kfake-memory"

// targets are the goals of every table; each table judges those whose rows it has.
var targets = []goal{
	{row: durableSingle, unit: "p50 ms", column: "kafka", ratio: true, atMost: 0.25},
	{row: durableSingle, unit: "p50 ms", column: "kfake", ratio: true, atMost: 0.4},
	{row: durableOne, unit: "MB/s", column: "kafka", ratio: true, atLeast: 8},
	{row: durableOne, unit: "MB/s", column: "kfake", ratio: true, atLeast: 6},
	{row: durableSix, unit: "MB/s", column: "kafka", ratio: true, atLeast: 5},
	{row: durableSix, unit: "MB/s", column: "kfake", ratio: true, atLeast: 8},

	{row: joinRow, unit: "ms", column: "kafka", ratio: true, atMost: 0.05},
	{row: joinRow, unit: "ms", column: bestKfake, ratio: true, atMost: 0.6},
	{row: commitsRow, unit: "k/s", column: "kafka", ratio: true, atLeast: 5},
	{row: commitsRow, unit: "k/s", column: bestKfake, ratio: true, atLeast: 4},
	{row: oneTransactionRow, unit: "k/s", column: "kafka", ratio: true, atLeast: 4},
	{row: oneTransactionRow, unit: "k/s", column: bestKfake, ratio: true, atLeast: 1},
}
