//! The steps of group members.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use program::{Options, Result, output};
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, FromClientConfigAndContext};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaResult;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::{POLL, next, reader_config, record};

/// Records that a worker takes between two commits.
const BATCH: usize = 100;

/// What a member owns, and what it has read and not committed.
struct Member {
    topic: String,
    owned: Mutex<BTreeSet<i32>>,
    /// Next offsets by partition.
    read: Mutex<BTreeMap<i32, i64>>,
}

impl ClientContext for Member {}

impl ConsumerContext for Member {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Member>, rebalance: &Rebalance) {
        let mut owned = self.owned.lock().unwrap();
        match rebalance {
            Rebalance::Assign(added) => owned.extend(added.elements().iter().map(|p| p.partition())),
            Rebalance::Revoke(lost) => {
                if consumer.assignment_lost() {
                    self.read.lock().unwrap().clear(); // others own it by now
                }
                self.commit(consumer);
                for p in lost.elements() {
                    owned.remove(&p.partition());
                }
            }
            Rebalance::Error(error) => output::error(error),
        }
        output::assigned(owned.iter().copied());
    }
}

impl Member {
    /// Commits behind what was read since the last commit; one that is refused or lost is no failure.
    fn commit(&self, consumer: &BaseConsumer<Member>) {
        let read = mem::take(&mut *self.read.lock().unwrap());
        if read.is_empty() {
            return;
        }
        match commit(consumer, &self.topic, &read) {
            Ok(()) => output::committed(&read),
            Err(error) => output::note(&error),
        }
    }
}

fn commit<C: ConsumerContext>(consumer: &BaseConsumer<C>, topic: &str, next: &BTreeMap<i32, i64>) -> KafkaResult<()> {
    let mut list = TopicPartitionList::new();
    for (partition, offset) in next {
        list.add_partition_offset(topic, *partition, Offset::Offset(*offset))?;
    }
    consumer.commit(&list, CommitMode::Sync)
}

pub fn consume(o: &Options) -> Result<()> {
    let consumer: BaseConsumer = reader_config(&o.bootstrap, &o.group).set("enable.auto.commit", "false").create()?;
    consumer.subscribe(&[&o.topic])?;
    let mut read = BTreeMap::new();
    for _ in 0..o.count {
        let message = next(&consumer)?;
        output::record(&record(&message));
        read.insert(message.partition(), message.offset() + 1);
    }
    commit(&consumer, &o.topic, &read)?;
    output::committed(&read);
    Ok(())
}

pub fn member(o: &Options, leave: &AtomicBool) -> Result<()> {
    let mut config = reader_config(&o.bootstrap, &o.group);
    timeouts(&mut config, o.session_ms);
    if let Some(instance) = &o.instance {
        config.set("group.instance.id", instance);
    }
    let consumer = join(o, &config)?;
    while !leave.load(Ordering::Relaxed) {
        match consumer.poll(POLL) {
            Some(Ok(message)) => output::record(&record(&message)),
            Some(Err(error)) => output::error(&error),
            None => {}
        }
    }
    Ok(())
}

pub fn worker(o: &Options, leave: &AtomicBool) -> Result<()> {
    let mut config = reader_config(&o.bootstrap, &o.group);
    config.set("enable.auto.commit", "false").set("group.protocol", &o.protocol);
    if o.protocol == "classic" {
        timeouts(&mut config, o.session_ms); // else the broker has them
    }
    let consumer = join(o, &config)?;
    while !leave.load(Ordering::Relaxed) {
        let end = Instant::now() + POLL;
        for _ in 0..BATCH {
            match consumer.poll(end.saturating_duration_since(Instant::now())) {
                Some(Ok(message)) => {
                    output::record(&record(&message));
                    let next = message.offset() + 1;
                    consumer.context().read.lock().unwrap().insert(message.partition(), next);
                }
                Some(Err(error)) => output::note(&error),
                None => break,
            }
        }
        consumer.context().commit(&consumer);
    }
    Ok(())
}

fn join(o: &Options, config: &ClientConfig) -> Result<BaseConsumer<Member>> {
    let member = Member {
        topic: o.topic.clone(),
        owned: Mutex::default(),
        read: Mutex::default(),
    };
    let consumer = BaseConsumer::from_config_and_context(config, member)?;
    consumer.subscribe(&[&o.topic])?;
    Ok(consumer)
}

fn timeouts(config: &mut ClientConfig, session_ms: u32) {
    config
        .set("session.timeout.ms", session_ms.to_string())
        .set("heartbeat.interval.ms", (session_ms / 10).to_string());
}
