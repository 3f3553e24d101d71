"""The confluent-kafka client of the matrix."""

import confluent_kafka
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

import program


class Client:
    version = confluent_kafka.__version__
    codecs = ["none", "gzip", "snappy", "lz4", "zstd"]

    def create(self, o):
        admin = AdminClient({"bootstrap.servers": o.bootstrap})
        admin.create_topics([NewTopic(o.topic, o.partitions, 1)])[o.topic].result()

    def produce(self, o, records):
        producer = Producer({"bootstrap.servers": o.bootstrap, "compression.type": o.codec, "enable.idempotence": True})
        errors = []

        def delivered(error, _message):
            if error is not None:
                errors.append(error)

        for key, value, headers in records:
            producer.produce(o.topic, key=key, value=value, headers=headers, on_delivery=delivered)
            producer.poll(0)
        producer.flush()
        if errors:
            raise KafkaException(errors[0])

    def consume(self, o, out):
        consumer = Consumer({
            "bootstrap.servers": o.bootstrap,
            "group.id": o.group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
        })
        consumer.subscribe([o.topic])
        for message in messages(consumer, o.count):
            emit(out, message)
            consumer.store_offsets(message)
        committed = consumer.commit(asynchronous=False)
        out.committed({p.partition: p.offset for p in committed if p.offset >= 0})
        consumer.close()

    def member(self, o, out, leave):
        consumer = Consumer({
            "bootstrap.servers": o.bootstrap,
            "group.id": o.group,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": o.session_ms,
            "heartbeat.interval.ms": o.session_ms // 10,
            "error_cb": out.error,
        })
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
    out.record(message.partition(), message.offset(), message.key(), message.value(), message.headers())


program.main(Client())
