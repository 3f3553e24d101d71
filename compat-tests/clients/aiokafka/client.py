"""The aiokafka client of the matrix."""

import asyncio
import functools
import logging

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

import administration
import connections
import program
import transactions


class Client:
    version = aiokafka.__version__
    codecs = ["none", "gzip", "snappy", "lz4", "zstd"]

    def create(self, o):
        asyncio.run(create(o))

    def produce(self, o, records):
        asyncio.run(produce(o, records))

    def stream(self, o, out, records):
        return asyncio.run(stream(o, out, records))

    def read(self, o, out):
        asyncio.run(read(o, out))

    def consume(self, o, out):
        asyncio.run(consume(o, out))

    def member(self, o, out, leave):
        asyncio.run(member(o, out, leave))

    def worker(self, o, out, leave):
        asyncio.run(worker(o, out, leave))

    def transact(self, o, out, commands):
        program.obey(transactions.Transactions(o.bootstrap, out), out, commands)

    administrator = staticmethod(administration.Administrator)
    connections = staticmethod(connections.Connections)


async def create(o):
    admin = AIOKafkaAdminClient(bootstrap_servers=o.bootstrap)
    await admin.start()
    try:
        response = await admin.create_topics([NewTopic(o.topic, o.partitions, 1)])
        for topic, code, *_ in response.topic_errors:
            if code != 0:
                raise RuntimeError(f"create {topic}: error code {code}")
    finally:
        await admin.close()


async def produce(o, records):
    codec = None if o.codec == "none" else o.codec
    limits = {"max_request_size": o.max_bytes} if o.max_bytes else {}
    async with AIOKafkaProducer(bootstrap_servers=o.bootstrap, compression_type=codec, enable_idempotence=True, **limits) as producer:
        sent = [await producer.send(o.topic, key=r.key, value=r.value, headers=r.headers, timestamp_ms=r.timestamp) for r in records]
        await asyncio.gather(*sent)


async def stream(o, out, records):
    async with AIOKafkaProducer(bootstrap_servers=o.bootstrap, enable_idempotence=True) as producer:
        def report(index, sent):
            if sent.exception() is None:
                out.acked(index, sent.result().partition, sent.result().offset)
            else:
                out.error(sent.exception())

        count = 0
        while (r := await asyncio.to_thread(next, records, None)) is not None:
            sent = await producer.send(o.topic, key=r.key, value=r.value, headers=r.headers)
            sent.add_done_callback(functools.partial(report, count))
            count += 1
        await producer.flush()
    return count


async def read(o, out):
    async with AIOKafkaConsumer(bootstrap_servers=o.bootstrap, auto_offset_reset="earliest") as consumer:
        partitions = [aiokafka.TopicPartition(topic, 0) for topic in o.topics]
        consumer.assign(partitions)
        if o.since:
            for partition, found in (await consumer.offsets_for_times(dict.fromkeys(partitions, o.since))).items():
                consumer.seek(partition, found.offset)
        for _ in range(o.count):
            emit(out, await consumer.getone())


async def consume(o, out):
    consumer = AIOKafkaConsumer(o.topic, bootstrap_servers=o.bootstrap, group_id=o.group, auto_offset_reset="earliest",
                                enable_auto_commit=False)
    async with consumer:
        positions = {}
        for _ in range(o.count):
            record = await consumer.getone()
            emit(out, record)
            positions[aiokafka.TopicPartition(record.topic, record.partition)] = record.offset + 1
        await consumer.commit(positions)
        out.committed({partition.partition: offset for partition, offset in positions.items()})


class Assignment(ConsumerRebalanceListener):
    def __init__(self, out):
        self.out = out

    def on_partitions_assigned(self, assigned):
        self.out.assigned([p.partition for p in assigned])

    def on_partitions_revoked(self, revoked):
        self.out.assigned([])


async def member(o, out, leave):
    consumer = AIOKafkaConsumer(bootstrap_servers=o.bootstrap, group_id=o.group, group_instance_id=o.instance,
                                auto_offset_reset="earliest", session_timeout_ms=o.session_ms, heartbeat_interval_ms=o.session_ms // 10)
    consumer.subscribe([o.topic], listener=Assignment(out))
    async with consumer:
        while not leave.is_set():
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    emit(out, record)


async def worker(o, out, leave):
    """Commits behind what it has read; a commit that is refused or lost is no failure."""
    consumer = AIOKafkaConsumer(bootstrap_servers=o.bootstrap, group_id=o.group, auto_offset_reset="earliest", enable_auto_commit=False,
                                session_timeout_ms=o.session_ms, heartbeat_interval_ms=o.session_ms // 10)
    consumer.subscribe([o.topic], listener=Assignment(out))
    async with consumer:
        while not leave.is_set():
            positions = {}
            for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                for record in records:
                    emit(out, record)
                    positions[partition] = record.offset + 1
            if not positions:
                continue
            try:
                await consumer.commit(positions)
                out.committed({partition.partition: offset for partition, offset in positions.items()})
            except KafkaError as error:
                out.note(error)


def emit(out, record):
    out.record(record.topic, record.partition, record.offset, record.timestamp, record.key, record.value, record.headers)


logging.basicConfig(level=logging.WARNING)
program.main(Client())
