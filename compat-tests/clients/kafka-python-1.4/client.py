"""The kafka-python client of the matrix, as of 2019."""

import logging

import kafka
from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.admin import NewTopic

import program


class Client:
    version = kafka.__version__
    codecs = ["none", "gzip", "snappy", "lz4"]

    def create(self, o):
        admin = KafkaAdminClient(bootstrap_servers=o.bootstrap)
        admin.create_topics([NewTopic(o.topic, o.partitions, 1)])
        admin.close()

    def produce(self, o, records):
        codec = None if o.codec == "none" else o.codec
        producer = KafkaProducer(bootstrap_servers=o.bootstrap, compression_type=codec, linger_ms=10, acks="all")
        sent = [producer.send(o.topic, key=r.key, value=r.value, headers=r.headers, timestamp_ms=r.timestamp) for r in records]
        producer.flush()
        for future in sent:
            future.get()
        producer.close()

    def read(self, o, out):
        consumer = KafkaConsumer(bootstrap_servers=o.bootstrap, auto_offset_reset="earliest")
        consumer.assign([TopicPartition(topic, 0) for topic in o.topics])
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
            positions[TopicPartition(record.topic, record.partition)] = OffsetAndMetadata(record.offset + 1, "")
        consumer.commit(positions)
        out.committed({partition.partition: position.offset for partition, position in positions.items()})
        consumer.close()

    def member(self, o, out, leave):
        consumer = KafkaConsumer(bootstrap_servers=o.bootstrap, group_id=o.group, auto_offset_reset="earliest",
                                 session_timeout_ms=o.session_ms, heartbeat_interval_ms=o.session_ms // 10)
        consumer.subscribe([o.topic], listener=Assignment(out, consumer))
        while not leave.is_set():
            for records in consumer.poll(timeout_ms=200).values():
                for record in records:
                    emit(out, record)
        consumer.close()


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
