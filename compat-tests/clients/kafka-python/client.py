"""The kafka-python client of the matrix."""

import logging

import kafka
from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.errors import KafkaConnectionError, KafkaError

import administration
import connections
import program
import transactions

# PATIENCE is for a broker that is away for a while: the library waits for up to 30 seconds between two attempts by default.
PATIENCE = {"reconnect_backoff_max_ms": 1000}


class Client:
    version = kafka.__version__
    codecs = ["none", "gzip", "snappy", "lz4", "zstd"]

    def create(self, o):
        admin = KafkaAdminClient(bootstrap_servers=o.bootstrap)
        admin.create_topics({o.topic: {"num_partitions": o.partitions, "replication_factor": 1}})
        admin.close()

    def produce(self, o, records):
        codec = None if o.codec == "none" else o.codec
        limits = {"max_request_size": o.max_bytes} if o.max_bytes else {}
        producer = KafkaProducer(bootstrap_servers=o.bootstrap, compression_type=codec, linger_ms=10, **limits)
        sent = [producer.send(o.topic, key=r.key, value=r.value, headers=r.headers, timestamp_ms=r.timestamp) for r in records]
        producer.flush()
        for future in sent:
            future.get()
        producer.close()

    def stream(self, o, out, records):
        producer = KafkaProducer(bootstrap_servers=o.bootstrap, **PATIENCE)  # idempotent, unless told otherwise
        count = 0
        for index, r in enumerate(records):
            sent = producer.send(o.topic, key=r.key, value=r.value, headers=r.headers)
            sent.add_callback(lambda place, index=index: out.acked(index, place.partition, place.offset))
            sent.add_errback(out.error)
            count += 1
        producer.flush()
        producer.close()
        return count

    def read(self, o, out):
        consumer = KafkaConsumer(bootstrap_servers=o.bootstrap, auto_offset_reset="earliest")
        partitions = [TopicPartition(topic, 0) for topic in o.topics]
        consumer.assign(partitions)
        if o.since:
            for partition, found in consumer.offsets_for_times(dict.fromkeys(partitions, o.since)).items():
                consumer.seek(partition, found.offset)
        for _ in range(o.count):
            emit(out, next(consumer))
        consumer.close()

    def consume(self, o, out):
        consumer = KafkaConsumer(o.topic, bootstrap_servers=o.bootstrap, group_id=o.group, auto_offset_reset="earliest",
                                 enable_auto_commit=False)
        positions = {}
        for _ in range(o.count):
            record = next(consumer)
            emit(out, record)
            positions[TopicPartition(record.topic, record.partition)] = OffsetAndMetadata(record.offset + 1, "", -1)
        consumer.commit(positions)
        out.committed({partition.partition: position.offset for partition, position in positions.items()})
        consumer.close()

    def member(self, o, out, leave):
        consumer = KafkaConsumer(bootstrap_servers=o.bootstrap, group_id=o.group, group_instance_id=o.instance, **PATIENCE,
                                 auto_offset_reset="earliest", session_timeout_ms=o.session_ms, heartbeat_interval_ms=o.session_ms // 10)
        consumer.subscribe([o.topic], listener=Assignment(out, consumer))
        while not leave.is_set():
            try:
                polled = consumer.poll(timeout_ms=200)
            except KafkaConnectionError as error:  # it comes of a broker that is away for long, and the next poll goes on
                out.note(error)
                continue
            for records in polled.values():
                for record in records:
                    emit(out, record)
        consumer.close()

    def worker(self, o, out, leave):
        consumer = KafkaConsumer(bootstrap_servers=o.bootstrap, group_id=o.group, auto_offset_reset="earliest", enable_auto_commit=False,
                                 session_timeout_ms=o.session_ms, heartbeat_interval_ms=o.session_ms // 10)
        consumer.subscribe([o.topic], listener=Assignment(out, consumer))
        while not leave.is_set():
            work(consumer, out)
        consumer.close()

    def transact(self, o, out, commands):
        program.obey(transactions.Transactions(o.bootstrap, out), out, commands)

    administrator = staticmethod(administration.Administrator)
    connections = staticmethod(connections.Connections)


def work(consumer, out):
    """Commits behind what it has read; a commit that is refused or lost is no failure."""
    positions = {}
    try:
        for partition, records in consumer.poll(timeout_ms=200).items():
            for record in records:
                emit(out, record)
                positions[partition] = OffsetAndMetadata(record.offset + 1, "", -1)
        if positions:
            consumer.commit(positions)
            out.committed({partition.partition: position.offset for partition, position in positions.items()})
    except KafkaError as error:
        out.note(error)


class Assignment(ConsumerRebalanceListener):
    def __init__(self, out, consumer):
        self.out, self.consumer = out, consumer

    def on_partitions_assigned(self, assigned):
        self.out.assigned([p.partition for p in self.consumer.assignment()])

    def on_partitions_revoked(self, revoked):
        self.out.assigned([p.partition for p in self.consumer.assignment() - set(revoked)])


def emit(out, record):
    out.record(record.topic, record.partition, record.offset, record.timestamp, record.key, record.value, record.headers)


logging.basicConfig(level=logging.WARNING)
program.main(Client())
