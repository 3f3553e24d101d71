//! The rskafka client of the matrix: a client for each partition, and no groups.

use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use program::{Answer, Answerer, Command, Header, Options, Record, Result, output};
use rskafka::BackoffConfig;
use rskafka::client::partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::producer::{BatchProducer, BatchProducerBuilder, aggregator::RecordAggregator};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::RecordAndOffset;
use rskafka::topic::Topic;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

/// Above what any answer takes.
const LIMIT_MS: i32 = 30_000;
/// What a fetch asks for and how long it waits for that; a batch that is larger comes all the same.
const FETCH_BYTES: std::ops::Range<i32> = 1..8 << 20;
const FETCH_WAIT_MS: i32 = 500;
/// Bytes of records that are sent in one request.
const BATCH_BYTES: usize = 512 << 10;

struct RsKafka;

impl program::Client for RsKafka {
    fn version(&self) -> &str {
        program::locked_version(include_str!("../Cargo.lock"), "rskafka")
    }

    fn create(&self, o: &Options) -> Result<()> {
        run(async {
            let client = connect(&o.bootstrap).await?;
            Ok(client
                .controller_client()?
                .create_topic(&o.topic, o.partitions, 1, LIMIT_MS)
                .await?)
        })
    }

    fn produce(&self, o: &Options, records: &[Record]) -> Result<()> {
        run(produce(o, records))
    }

    fn read(&self, o: &Options) -> Result<()> {
        run(read(o))
    }

    fn stream(&self, o: &Options, records: &mut dyn Iterator<Item = Result<Record>>) -> Result<()> {
        let (sender, receiver) = mpsc::unbounded_channel();
        std::thread::scope(|scope| {
            let o = &o;
            let sending = scope.spawn(move || run(stream(o, receiver)));
            for r in records {
                if sender.send(r?).is_err() {
                    break; // it has ended with an error
                }
            }
            drop(sender);
            sending.join().expect("does not panic")
        })
    }

    fn admin(&self, o: &Options) -> Result<Answerer> {
        let runtime = runtime()?;
        let client = runtime.block_on(connect(&o.bootstrap))?;
        Ok(Box::new(move |command| runtime.block_on(answer(&client, command))))
    }
}

fn main() -> ExitCode {
    program::main(&RsKafka)
}

fn runtime() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

fn run<T>(step: impl Future<Output = Result<T>>) -> Result<T> {
    runtime()?.block_on(step)
}

async fn connect(bootstrap: &str) -> Result<Client> {
    let backoff = BackoffConfig {
        max_backoff: Duration::from_secs(1),
        ..BackoffConfig::default()
    };
    Ok(ClientBuilder::new(vec![bootstrap.into()]).backoff_config(backoff).build().await?)
}

async fn topic(client: &Client, name: &str) -> Result<Topic> {
    let mut topics = client.list_topics().await?.into_iter();
    Ok(topics.find(|topic| topic.name == name).ok_or_else(|| format!("no topic {name}"))?)
}

/// The clients of all partitions, in their order.
async fn partitions(client: &Client, name: &str) -> Result<Vec<PartitionClient>> {
    let mut partitions = Vec::new();
    for partition in topic(client, name).await?.partitions {
        partitions.push(client.partition_client(name, partition, UnknownTopicHandling::Retry).await?);
    }
    Ok(partitions)
}

async fn produce(o: &Options, records: &[Record]) -> Result<()> {
    let codec = match o.codec.as_str() {
        "none" => Compression::NoCompression,
        "gzip" => Compression::Gzip,
        "snappy" => Compression::Snappy,
        "lz4" => Compression::Lz4,
        "zstd" => Compression::Zstd,
        other => return Err(format!("unknown codec {other:?}").into()),
    };
    let partitions = partitions(&connect(&o.bootstrap).await?, &o.topic).await?;
    let mut batches = vec![(0, Vec::new()); partitions.len()];
    for (i, r) in records.iter().map(unsent).enumerate() {
        let i = i % partitions.len();
        let (bytes, batch) = &mut batches[i];
        if *bytes + r.approximate_size() > o.max_bytes.unwrap_or(BATCH_BYTES) {
            partitions[i].produce(std::mem::take(batch), codec).await?;
            *bytes = 0;
        }
        *bytes += r.approximate_size();
        batch.push(r);
    }
    for (partition, (_, batch)) in partitions.iter().zip(batches) {
        partition.produce(batch, codec).await?;
    }
    Ok(())
}

fn unsent(r: &Record) -> rskafka::record::Record {
    rskafka::record::Record {
        key: r.key.clone(),
        value: r.value.clone(),
        headers: r
            .headers
            .iter()
            .map(|Header(name, value)| (name.clone(), value.clone().unwrap_or_default()))
            .collect(),
        timestamp: r.timestamp.and_then(DateTime::from_timestamp_millis).unwrap_or_else(Utc::now),
    }
}

async fn read(o: &Options) -> Result<()> {
    let client = connect(&o.bootstrap).await?;
    let mut left = o.count;
    for topic in &o.topics {
        let partition = client.partition_client(topic, 0, UnknownTopicHandling::Retry).await?;
        let from = match o.since {
            Some(since) => OffsetAt::Timestamp(DateTime::from_timestamp_millis(since).ok_or("no such time")?),
            None => OffsetAt::Earliest,
        };
        let mut next = partition.get_offset(from).await?;
        let end = partition.get_offset(OffsetAt::Latest).await?;
        while left > 0 && next < end {
            let (records, _) = partition.fetch_records(next, FETCH_BYTES, FETCH_WAIT_MS).await?;
            for r in records.into_iter().take(left) {
                (left, next) = (left - 1, r.offset + 1);
                output::record(&record(topic, r));
            }
        }
    }
    match left {
        0 => Ok(()),
        _ => Err(format!("{left} records less than asked for").into()),
    }
}

fn record(topic: &str, RecordAndOffset { record: r, offset }: RecordAndOffset) -> Record {
    Record {
        topic: topic.into(),
        partition: 0,
        offset,
        timestamp: Some(r.timestamp.timestamp_millis()),
        key: r.key,
        value: r.value,
        headers: r.headers.into_iter().map(|(name, value)| Header(name, Some(value))).collect(),
    }
}

async fn stream(o: &Options, mut records: mpsc::UnboundedReceiver<Record>) -> Result<()> {
    let mut producers: Vec<Arc<BatchProducer<RecordAggregator>>> = Vec::new();
    for partition in partitions(&connect(&o.bootstrap).await?, &o.topic).await? {
        let builder = BatchProducerBuilder::new(Arc::new(partition)).with_linger(Duration::from_millis(5));
        producers.push(Arc::new(builder.build(RecordAggregator::new(BATCH_BYTES))));
    }
    let (mut index, mut sent) = (0, tokio::task::JoinSet::new());
    while let Some(r) = records.recv().await {
        let (this, partition) = (index, index % producers.len());
        let producer = Arc::clone(&producers[partition]);
        sent.spawn(async move {
            match producer.produce(unsent(&r)).await {
                Ok(offset) => output::acked(this, partition as i32, offset),
                Err(error) => output::error(&error),
            }
        });
        index += 1;
    }
    sent.join_all().await;
    Ok(())
}

async fn answer(client: &Client, command: &Command) -> Result<Answer> {
    let mut answer = Answer::default();
    let name = command.topic.as_str();
    match command.r#do.as_str() {
        "create" => {
            client
                .controller_client()?
                .create_topic(name, i32::try_from(command.count)?, 1, LIMIT_MS)
                .await?
        }
        "topics" => answer.names = Some(client.list_topics().await?.into_iter().map(|topic| topic.name).collect()),
        "describe" => answer.count = Some(topic(client, name).await?.partitions.len()),
        "delete-records" => {
            let partition = client
                .partition_client(name, command.partition, UnknownTopicHandling::Retry)
                .await?;
            partition.delete_records(command.before, LIMIT_MS).await?;
        }
        "delete" => client.controller_client()?.delete_topic(name, LIMIT_MS).await?,
        _ => return Err(format!("unknown command {command:?}").into()),
    }
    Ok(answer)
}
