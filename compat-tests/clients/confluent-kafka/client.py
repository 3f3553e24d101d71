"""The confluent-kafka client of the matrix. Settings of the row are librdkafka's."""

import threading

import confluent_kafka
from confluent_kafka import OFFSET_BEGINNING, TIMESTAMP_NOT_AVAILABLE, Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

import administration
import connections
import program
import transactions


# LIMIT is above what any answer takes, in seconds.
LIMIT = 30


class Client:
    version = confluent_kafka.__version__
    codecs = ["none", "gzip", "snappy", "lz4", "zstd"]

    def create(self, o):
        admin = AdminClient({"bootstrap.servers": o.bootstrap})
        admin.create_topics([NewTopic(o.topic, o.partitions, 1)])[o.topic].result()

    def produce(self, o, records):
        believed = program.settings()  # of the broker
        config = {"bootstrap.servers": o.bootstrap, "compression.type": o.codec, "enable.idempotence": not believed} | believed
        if o.max_bytes:
            config["message.max.bytes"] = o.max_bytes
        producer = Producer(config)
        errors = []

        def delivered(error, _message):
            if error is not None:
                errors.append(error)

        for r in records:
            optional = {} if r.timestamp is None else {"timestamp": r.timestamp}
            producer.produce(o.topic, key=r.key, value=r.value, headers=r.headers, on_delivery=delivered, **optional)
            producer.poll(0)
        producer.flush()
        if errors:
            raise KafkaException(errors[0])

    def stream(self, o, out, records):
        producer = Producer({"bootstrap.servers": o.bootstrap, "enable.idempotence": True, "error_cb": out.note})
        ended = threading.Event()

        def report():
            while not ended.is_set():
                producer.poll(0.1)

        reporter = threading.Thread(target=report)
        reporter.start()
        count = 0
        for index, r in enumerate(records):
            def delivered(error, message, index=index):
                if error is None:
                    out.acked(index, message.partition(), message.offset())
                else:
                    out.error(error)

            producer.produce(o.topic, key=r.key, value=r.value, headers=r.headers, on_delivery=delivered)
            count += 1
        producer.flush()
        ended.set()
        reporter.join()
        return count

    def read(self, o, out):
        consumer = Consumer({
            "bootstrap.servers": o.bootstrap,
            "group.id": "none",  # the library wants one
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        } | program.settings())
        start = [TopicPartition(topic, 0, o.since or OFFSET_BEGINNING) for topic in o.topics]
        consumer.assign(consumer.offsets_for_times(start, LIMIT) if o.since else start)
        for message in messages(consumer, o.count):
            emit(out, message)
        consumer.close()

    def consume(self, o, out):
        consumer = Consumer({
            "bootstrap.servers": o.bootstrap,
            "group.id": o.group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
        } | program.settings())
        consumer.subscribe([o.topic])
        for message in messages(consumer, o.count):
            emit(out, message)
            consumer.store_offsets(message)
        committed = consumer.commit(asynchronous=False)
        out.committed({p.partition: p.offset for p in committed if p.offset >= 0})
        consumer.close()

    def member(self, o, out, leave):
        static = {"group.instance.id": o.instance} if o.instance else {}
        consumer = Consumer({
            "bootstrap.servers": o.bootstrap,
            "group.id": o.group,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": o.session_ms,
            "heartbeat.interval.ms": o.session_ms // 10,
            "error_cb": out.error,
        } | static | program.settings())
        consumer.subscribe([o.topic],
                           on_assign=lambda _, owned: out.assigned([p.partition for p in owned]),
                           on_revoke=lambda _, __: out.assigned([]))
        while not leave.is_set():
            message = consumer.poll(0.2)
            if message is None:
                continue
            if message.error():
                out.error(message.error())
            else:
                emit(out, message)
        consumer.close()

    def worker(self, o, out, leave):
        config = {
            "bootstrap.servers": o.bootstrap,
            "group.id": o.group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "group.protocol": o.protocol,
            "error_cb": out.note,
        }
        if o.protocol == "classic":  # else the broker has the time-outs
            config |= {"session.timeout.ms": o.session_ms, "heartbeat.interval.ms": o.session_ms // 10}
        consumer, owned = Consumer(config), set()

        def assigned(_, partitions):
            owned.update(p.partition for p in partitions)
            out.assigned(owned)

        def revoked(_, partitions):
            owned.difference_update(p.partition for p in partitions)
            out.assigned(owned)

        consumer.subscribe([o.topic], on_assign=assigned, on_revoke=revoked)
        while not leave.is_set():
            work(consumer, out)
        consumer.close()

    transact = staticmethod(transactions.transact)
    administrator = staticmethod(administration.Administrator)
    connections = staticmethod(connections.Connections)


def work(consumer, out):
    """Commits behind what it has read; a commit that is refused or lost is no failure."""
    positions = {}
    for message in consumer.consume(100, 0.2):
        if message.error():
            out.note(message.error())
            continue
        emit(out, message)
        positions[message.partition()] = TopicPartition(message.topic(), message.partition(), message.offset() + 1)
    if not positions:
        return
    try:
        for committed in consumer.commit(offsets=list(positions.values()), asynchronous=False):
            if committed.error:
                raise KafkaException(committed.error)
        out.committed({partition: position.offset for partition, position in positions.items()})
    except KafkaException as error:
        out.note(error)


def messages(consumer, count):
    while count > 0:
        message = consumer.poll(1)
        if message is None:
            continue
        if message.error():
            raise KafkaException(message.error())
        yield message
        count -= 1


def emit(out, message):
    kind, timestamp = message.timestamp()
    out.record(message.topic(), message.partition(), message.offset(), None if kind == TIMESTAMP_NOT_AVAILABLE else timestamp,
               message.key(), message.value(), message.headers())


program.main(Client())
