//! The step that needs transactions.

use std::collections::{BTreeMap, HashMap};

use program::{Answer, Answerer, Command, Result, output};
use rdkafka::ClientConfig;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::sending::{Deliveries, flush};
use crate::{LIMIT, POLL, config, next, reader_config, record};

/// Records in one transaction of a transform, at most.
const BATCH: usize = 20;

type Transactor = BaseProducer<Deliveries>;

struct Transactions {
    bootstrap: String,
    producers: HashMap<String, Transactor>,
    /// A consumer for each group whose offsets are sent; none is a member.
    groups: HashMap<String, BaseConsumer>,
}

pub fn answerer(bootstrap: &str) -> Answerer {
    let mut transactions = Transactions {
        bootstrap: bootstrap.into(),
        producers: HashMap::new(),
        groups: HashMap::new(),
    };
    Box::new(move |command| transactions.answer(command))
}

impl Transactions {
    fn answer(&mut self, command: &Command) -> Result<Answer> {
        match command.r#do.as_str() {
            "init" => self.init(command)?,
            "begin" => self.producer(command)?.begin_transaction()?,
            "send" => send(self.producer(command)?, command)?,
            "offsets" => self.offsets(command)?,
            "commit" => self.producer(command)?.commit_transaction(LIMIT)?,
            "abort" => self.producer(command)?.abort_transaction(LIMIT)?,
            "transform" => transform(
                self.producer(command)?,
                &self.reader(&command.group, "read_committed").create()?,
                command,
            )?,
            "drain" => return self.drain(command),
            _ => return Err(format!("unknown command {command:?}").into()),
        }
        Ok(Answer::default())
    }

    fn producer(&self, command: &Command) -> Result<&Transactor> {
        Ok(self.producers.get(&command.r#as).ok_or("no such producer")?)
    }

    fn init(&mut self, command: &Command) -> Result<()> {
        let mut config = config(&self.bootstrap);
        config
            .set("transactional.id", &command.id)
            .set("transaction.timeout.ms", command.timeout_ms.to_string());
        let producer = Transactor::from_config_and_context(&config, Deliveries::default())?;
        producer.init_transactions(LIMIT)?;
        self.producers.insert(command.r#as.clone(), producer);
        Ok(())
    }

    fn offsets(&mut self, command: &Command) -> Result<()> {
        if !self.groups.contains_key(&command.group) {
            let consumer = self.reader(&command.group, "read_committed").create()?;
            self.groups.insert(command.group.clone(), consumer);
        }
        send_offsets(
            self.producer(command)?,
            &self.groups[&command.group],
            &command.topic,
            &command.offsets,
        )
    }

    /// Emits the whole topic, up to its end as the isolation level has it, and tells where it stopped.
    fn drain(&self, command: &Command) -> Result<Answer> {
        let consumer: BaseConsumer = self
            .reader("drain", &command.isolation)
            .set("enable.partition.eof", "true")
            .create()?;
        let metadata = consumer.fetch_metadata(Some(&command.topic), LIMIT)?;
        let mut all = TopicPartitionList::new();
        for partition in metadata.topics().first().ok_or("no answer")?.partitions() {
            all.add_partition_offset(&command.topic, partition.id(), Offset::Beginning)?;
        }
        consumer.assign(&all)?;
        let mut ended = Vec::new();
        while ended.len() < all.count() {
            match consumer.poll(LIMIT).ok_or("the ends of the partitions do not come")? {
                Ok(message) => output::record(&record(&message)),
                Err(KafkaError::PartitionEOF(partition)) => ended.push(partition),
                Err(error) => return Err(error.into()),
            }
        }
        let mut offsets = BTreeMap::new();
        for position in consumer.position()?.elements() {
            offsets.insert(position.partition(), position.offset().to_raw().unwrap_or_default().max(0));
        }
        Ok(Answer {
            offsets: Some(offsets),
            ..Answer::default()
        })
    }

    fn reader(&self, group: &str, isolation: &str) -> ClientConfig {
        let mut config = reader_config(&self.bootstrap, group);
        config.set("enable.auto.commit", "false").set("isolation.level", isolation);
        config
    }
}

/// Returns when every value is acknowledged.
fn send(producer: &Transactor, command: &Command) -> Result<()> {
    for value in &command.values {
        let record = BaseRecord::<(), str>::to(&command.topic)
            .partition(command.partition)
            .payload(value);
        producer.send(record).map_err(|(error, _)| error)?;
    }
    flush(producer)
}

fn send_offsets(producer: &Transactor, consumer: &BaseConsumer, topic: &str, next: &BTreeMap<i32, i64>) -> Result<()> {
    let mut offsets = TopicPartitionList::new();
    for (partition, offset) in next {
        offsets.add_partition_offset(topic, *partition, Offset::Offset(*offset))?;
    }
    let group = consumer.group_metadata().ok_or("the consumer has no group")?;
    Ok(producer.send_offsets_to_transaction(&offsets, &group, LIMIT)?)
}

/// Moves records from one topic to another in transactions, with the offsets of a group, until count were committed.
fn transform(producer: &Transactor, consumer: &BaseConsumer, command: &Command) -> Result<()> {
    consumer.subscribe(&[&command.topic])?;
    let (mut left, mut transactions) = (command.count, 0);
    while left > 0 {
        let mut messages = vec![next(consumer)?];
        while messages.len() < BATCH
            && let Some(message) = consumer.poll(POLL)
        {
            messages.push(message?);
        }
        producer.begin_transaction()?;
        let (mut first, mut following) = (BTreeMap::new(), BTreeMap::new());
        for message in &messages {
            let mut record = BaseRecord::<[u8], [u8]>::to(&command.to).partition(message.partition());
            (record.key, record.payload) = (message.key(), message.payload());
            producer.send(record).map_err(|(error, _)| error)?;
            first.entry(message.partition()).or_insert(message.offset());
            following.insert(message.partition(), message.offset() + 1);
        }
        send_offsets(producer, consumer, &command.topic, &following)?;
        transactions += 1;
        if transactions % command.abort_every == 0 {
            flush(producer)?; // so that there is something to abort
            producer.abort_transaction(LIMIT)?;
            for (partition, offset) in first {
                consumer.seek(&command.topic, partition, Offset::Offset(offset), LIMIT)?;
            }
        } else {
            producer.commit_transaction(LIMIT)?;
            left -= messages.len();
        }
    }
    Ok(())
}
