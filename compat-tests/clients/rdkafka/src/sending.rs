//! The steps that send.

use std::mem;
use std::sync::Mutex;

use program::{Options, Record, Result, output};
use rdkafka::ClientContext;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext, ThreadedProducer};

use crate::{LIMIT, POLL};

/// Keeps the errors of records that the broker has not taken.
#[derive(Default)]
pub struct Deliveries(Mutex<Vec<KafkaError>>);

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult, (): ()) {
        if let Err((error, _)) = result {
            self.0.lock().unwrap().push(error.clone());
        }
    }
}

/// Returns when every record that was sent is acknowledged.
pub fn flush(producer: &BaseProducer<Deliveries>) -> Result<()> {
    producer.flush(LIMIT)?;
    match mem::take(&mut *producer.context().0.lock().unwrap()).into_iter().next() {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

pub fn produce(o: &Options, records: &[Record]) -> Result<()> {
    let mut config = crate::config(&o.bootstrap);
    config.set("compression.type", &o.codec).set("enable.idempotence", "true");
    if let Some(bytes) = o.max_bytes {
        config.set("message.max.bytes", bytes.to_string());
    }
    let producer = BaseProducer::from_config_and_context(&config, Deliveries::default())?;
    for r in records {
        producer.send(unsent(&o.topic, r, ())).map_err(|(error, _)| error)?;
    }
    flush(&producer)
}

fn unsent<'a, D: rdkafka::util::IntoOpaque>(topic: &'a str, r: &'a Record, opaque: D) -> BaseRecord<'a, [u8], [u8], D> {
    let insert = |headers: OwnedHeaders, program::Header(key, value): &program::Header| {
        headers.insert(Header {
            key,
            value: value.as_ref(),
        })
    };
    BaseRecord {
        topic,
        partition: None,
        payload: r.value.as_deref(),
        key: r.key.as_deref(),
        timestamp: r.timestamp,
        headers: Some(r.headers.iter().fold(OwnedHeaders::new(), insert)),
        delivery_opaque: opaque,
    }
}

/// Tells of each record where it is, by its index.
struct Acknowledgements;

impl ClientContext for Acknowledgements {}

impl ProducerContext for Acknowledgements {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult, index: usize) {
        match result {
            Ok(message) => output::acked(index, message.partition(), message.offset()),
            Err((error, _)) => output::error(error),
        }
    }
}

pub fn stream(o: &Options, records: &mut dyn Iterator<Item = Result<Record>>) -> Result<()> {
    let mut config = crate::config(&o.bootstrap);
    config.set("enable.idempotence", "true");
    let producer = ThreadedProducer::from_config_and_context(&config, Acknowledgements)?;
    for (index, r) in records.enumerate() {
        producer.send(unsent(&o.topic, &r?, index)).map_err(|(error, _)| error)?;
    }
    // As long as it takes: the library gives a record up by itself.
    while let Err(error) = producer.flush(POLL) {
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::OperationTimedOut) {
            return Err(error.into());
        }
    }
    Ok(())
}
