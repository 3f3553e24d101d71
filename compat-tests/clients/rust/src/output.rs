//! Events on standard output, one JSON object a line; any thread may write them.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{Write, stdout};

use serde::Serialize;
use serde_json::json;

use crate::Record;

pub(crate) fn emit(event: &str, fields: impl Serialize) {
    #[derive(Serialize)]
    struct Line<'a, F> {
        event: &'a str,
        #[serde(flatten)]
        fields: F,
    }
    let mut line = serde_json::to_vec(&Line { event, fields }).expect("events are JSON");
    line.push(b'\n');
    let mut out = stdout().lock();
    if out.write_all(&line).and_then(|()| out.flush()).is_err() {
        std::process::exit(1); // nobody reads: the test has ended
    }
}

pub(crate) fn about(version: &str, codecs: &[&str]) {
    emit("about", json!({"version": version, "codecs": codecs}));
}

pub(crate) fn created() {
    emit("created", json!({}));
}

pub(crate) fn produced(count: usize) {
    emit("produced", json!({"count": count}));
}

pub(crate) fn left() {
    emit("left", json!({}));
}

/// The record that was the index-th on standard input is there.
pub fn acked(index: usize, partition: i32, offset: i64) {
    emit("acked", json!({"index": index, "partition": partition, "offset": offset}));
}

pub fn record(record: &Record) {
    emit("record", record);
}

/// The commit of these next offsets, by partition, was answered.
pub fn committed(offsets: &BTreeMap<i32, i64>) {
    emit("committed", json!({"offsets": offsets}));
}

/// The member owns these partitions now: all of them, not the change.
pub fn assigned(partitions: impl IntoIterator<Item = i32>) {
    emit("assigned", json!({"partitions": Vec::from_iter(partitions)}));
}

/// What is worth knowing in a report, and no failure.
pub fn note(error: &(dyn Error + 'static)) {
    eprintln!("{error}");
}

pub fn error(error: &(dyn Error + 'static)) {
    emit("error", json!({"message": error.to_string()}));
}
