// Package connect runs Kafka Connect's workers while they and the broker are killed.
//
//	standalone   FileStreamSource --> topic --> FileStreamSink, offsets of the source in a file;
//	             at least once: each line is there, in order when repeats are left out
//	distributed  two workers with their three internal topics, a source of numbers and a sink
//	             (Numbered.java). The source is exactly once, so that its topic holds each
//	             number once; the sink leaves nothing out, and commits what it wrote
//
// One of two workers is killed (-9), so that the other takes over its tasks, and
// started again. Nothing but Connect restarts a task: at the end all must run.
// Connect demands that its internal topics are compacted; a worker that is given
// another one must refuse it, which it finds out by asking the broker.
//
//	go test ./connect -run Distributed -v
package connect
