//! What needs admin requests.

use std::collections::BTreeMap;

use futures_executor::block_on;
use program::{Answer, Answerer, Command, Result};
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::{LIMIT, config, reader_config};

type Admin = AdminClient<DefaultClientContext>;

pub fn answerer(bootstrap: &str) -> Result<Answerer> {
    let (admin, bootstrap): (Admin, _) = (config(bootstrap).create()?, bootstrap.to_string());
    Ok(Box::new(move |command| answer(&admin, &bootstrap, command)))
}

pub fn create(admin: &Admin, topic: &str, partitions: i32) -> Result<()> {
    let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
    only(block_on(admin.create_topics([&new], &AdminOptions::new()))?)
}

/// The answer of the only one that was asked for.
fn only<N>(mut answers: Vec<std::result::Result<N, (N, RDKafkaErrorCode)>>) -> Result<()> {
    match answers.pop().ok_or("no answer")? {
        Ok(_) => Ok(()),
        Err((_, code)) => Err(code.into()),
    }
}

fn answer(admin: &Admin, bootstrap: &str, command: &Command) -> Result<Answer> {
    let mut answer = Answer::default();
    let (topic, options) = (command.topic.as_str(), AdminOptions::new());
    match command.r#do.as_str() {
        "create" => create(admin, topic, command.count.try_into()?)?,
        "topics" => {
            let metadata = admin.inner().fetch_metadata(None, LIMIT)?;
            answer.names = Some(metadata.topics().iter().map(|t| t.name().into()).collect());
        }
        "describe" => answer.count = Some(partitions(admin, topic)?),
        "partitions" => {
            let new = NewPartitions::new(topic, command.count);
            only(block_on(admin.create_partitions([&new], &options))?)?;
        }
        "alter" => {
            let change = AlterConfig::new(ResourceSpecifier::Topic(topic)).set(&command.name, &command.value);
            only(block_on(admin.alter_configs([&change], &options))?)?;
            // The library answers Ok whatever the broker has against it.
            if setting(admin, topic, &command.name)?.as_deref() != Some(&command.value) {
                return Err("the setting has not changed".into());
            }
        }
        "config" => answer.text = setting(admin, topic, &command.name)?,
        "delete-records" => {
            let mut before = TopicPartitionList::new();
            before.add_partition_offset(topic, command.partition, Offset::Offset(command.before))?;
            for partition in block_on(admin.delete_records(&before, &options))?.elements() {
                partition.error()?;
            }
        }
        "groups" => {
            let groups = admin.inner().fetch_group_list(None, LIMIT)?;
            answer.names = Some(groups.groups().iter().map(|group| group.name().into()).collect());
        }
        "offsets" => answer.offsets = Some(offsets(bootstrap, &command.group, topic, partitions(admin, topic)?)?),
        "delete-group" => only(block_on(admin.delete_groups(&[&command.group], &options))?)?,
        "delete" => only(block_on(admin.delete_topics(&[topic], &options))?)?,
        _ => return Err(format!("unknown command {command:?}").into()),
    }
    Ok(answer)
}

fn setting(admin: &Admin, topic: &str, name: &str) -> Result<Option<String>> {
    let described = block_on(admin.describe_configs([&ResourceSpecifier::Topic(topic)], &AdminOptions::new()))?.pop();
    Ok(described.ok_or("no answer")??.get(name).ok_or("no such setting")?.value.clone())
}

fn partitions(admin: &Admin, topic: &str) -> Result<usize> {
    let metadata = admin.inner().fetch_metadata(Some(topic), LIMIT)?;
    Ok(metadata.topics().first().ok_or("no answer")?.partitions().len())
}

/// The library asks for the offsets of a group that a consumer is of; one that has not subscribed is no member.
fn offsets(bootstrap: &str, group: &str, topic: &str, partitions: usize) -> Result<BTreeMap<i32, i64>> {
    let consumer: BaseConsumer = reader_config(bootstrap, group).create()?;
    let mut asked = TopicPartitionList::new();
    asked.add_partition_range(topic, 0, i32::try_from(partitions)? - 1);
    let mut committed = BTreeMap::new();
    for partition in consumer.committed_offsets(asked, LIMIT)?.elements() {
        if let Offset::Offset(offset) = partition.offset() {
            committed.insert(partition.partition(), offset);
        }
    }
    Ok(committed)
}
