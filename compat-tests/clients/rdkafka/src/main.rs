//! The rdkafka client of the matrix.

mod admin;
mod group;
mod sending;
mod transactions;

use std::error::Error;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use program::{Answerer, Client, Header, Options, Record, Result};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

/// Above what any answer takes.
const LIMIT: Duration = Duration::from_secs(30);
/// How long a poll waits for records.
const POLL: Duration = Duration::from_millis(200);

struct RdKafka;

impl Client for RdKafka {
    fn version(&self) -> &str {
        program::locked_version(include_str!("../Cargo.lock"), "rdkafka")
    }

    fn create(&self, o: &Options) -> Result<()> {
        admin::create(&config(&o.bootstrap).create()?, &o.topic, o.partitions)
    }

    fn produce(&self, o: &Options, records: &[Record]) -> Result<()> {
        sending::produce(o, records)
    }

    fn stream(&self, o: &Options, records: &mut dyn Iterator<Item = Result<Record>>) -> Result<()> {
        sending::stream(o, records)
    }

    fn read(&self, o: &Options) -> Result<()> {
        let mut config = reader_config(&o.bootstrap, "none"); // the library wants a group
        let consumer: BaseConsumer = config.set("enable.auto.commit", "false").create()?;
        let mut from = TopicPartitionList::new();
        for topic in &o.topics {
            from.add_partition_offset(topic, 0, o.since.map_or(Offset::Beginning, Offset::Offset))?;
        }
        if o.since.is_some() {
            from = consumer.offsets_for_times(from, LIMIT)?;
        }
        consumer.assign(&from)?;
        for _ in 0..o.count {
            program::output::record(&record(&next(&consumer)?));
        }
        Ok(())
    }

    fn consume(&self, o: &Options) -> Result<()> {
        group::consume(o)
    }

    fn member(&self, o: &Options, leave: &AtomicBool) -> Result<()> {
        group::member(o, leave)
    }

    fn worker(&self, o: &Options, leave: &AtomicBool) -> Result<()> {
        group::worker(o, leave)
    }

    fn admin(&self, o: &Options) -> Result<Answerer> {
        admin::answerer(&o.bootstrap)
    }

    fn transact(&self, o: &Options) -> Result<Answerer> {
        Ok(transactions::answerer(&o.bootstrap))
    }

    fn fenced(&self, error: &(dyn Error + 'static)) -> bool {
        use RDKafkaErrorCode::{Fenced, InvalidProducerEpoch, ProducerFenced};
        let code = error.downcast_ref().and_then(KafkaError::rdkafka_error_code);
        matches!(code, Some(Fenced | ProducerFenced | InvalidProducerEpoch))
    }
}

fn main() -> ExitCode {
    program::main(&RdKafka)
}

fn config(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap);
    config
}

fn reader_config(bootstrap: &str, group: &str) -> ClientConfig {
    let mut config = config(bootstrap);
    config.set("group.id", group).set("auto.offset.reset", "earliest");
    config
}

/// The next record, for which it waits as long as it takes.
fn next(consumer: &BaseConsumer) -> Result<BorrowedMessage<'_>> {
    loop {
        if let Some(message) = consumer.poll(POLL) {
            return Ok(message?);
        }
    }
}

fn record(message: &BorrowedMessage) -> Record {
    let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
    Record {
        topic: message.topic().into(),
        partition: message.partition(),
        offset: message.offset(),
        timestamp: message.timestamp().to_millis(),
        key: message.key().map(Vec::from),
        value: message.payload().map(Vec::from),
        headers: headers
            .map(|header| Header(header.key.into(), header.value.map(Vec::from)))
            .collect(),
    }
}
