"""The step of the kafka-python client that needs transactions."""

from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.errors import InvalidProducerEpochError, KafkaError, ProducerFencedError

# LIMIT is above what any acknowledgement takes, in seconds.
LIMIT = 30


class Transactions:
    """A method for each command."""

    refusals = KafkaError

    def __init__(self, bootstrap, out):
        self._bootstrap, self._out = bootstrap, out
        self._producers = {}

    @staticmethod
    def fenced(error):
        return isinstance(error, (ProducerFencedError, InvalidProducerEpochError))

    def init(self, command):
        producer = KafkaProducer(bootstrap_servers=self._bootstrap, transactional_id=command["id"],
                                 transaction_timeout_ms=command["timeout-ms"])
        self._producers[command["as"]] = producer
        producer.init_transactions()

    def begin(self, command):
        self._producers[command["as"]].begin_transaction()

    def commit(self, command):
        self._producers[command["as"]].commit_transaction()

    def abort(self, command):
        self._producers[command["as"]].abort_transaction()

    def send(self, command):
        """Returns when every value is acknowledged."""
        producer = self._producers[command["as"]]
        sent = [producer.send(command["topic"], value=value.encode(), partition=command["partition"]) for value in command["values"]]
        for future in sent:
            future.get(LIMIT)

    def offsets(self, command):
        offsets = {TopicPartition(command["topic"], int(p)): OffsetAndMetadata(at, "", -1) for p, at in command["offsets"].items()}
        self._producers[command["as"]].send_offsets_to_transaction(offsets, command["group"])

    def transform(self, command):
        """Moves records from one topic to another in transactions, with the offsets of a group, until count were committed."""
        producer = self._producers[command["as"]]
        consumer = self._consumer("read_committed", command["group"])
        consumer.subscribe([command["topic"]])
        left, transactions = command["count"], 1
        while left > 0:
            polled = consumer.poll(timeout_ms=200, max_records=20)
            if not polled:
                continue
            producer.begin_transaction()
            for partition, records in polled.items():
                for record in records:
                    producer.send(command["to"], partition=partition.partition, key=record.key, value=record.value)
            offsets = {partition: OffsetAndMetadata(records[-1].offset + 1, "", -1) for partition, records in polled.items()}
            producer.send_offsets_to_transaction(offsets, consumer.group_metadata())
            if transactions % command["abort-every"] == 0:
                producer.flush()  # so that there is something to abort
                producer.abort_transaction()
                for partition, records in polled.items():
                    consumer.seek(partition, records[0].offset)
            else:
                producer.commit_transaction()
                left -= sum(map(len, polled.values()))
            transactions += 1
        consumer.close()

    def drain(self, command):
        """Emits the whole topic, up to its end as the isolation level has it, and where it stopped."""
        consumer, topic = self._consumer(command["isolation"], None), command["topic"]
        partitions = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic)]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        while any(consumer.position(partition) < end for partition, end in ends.items()):
            for records in consumer.poll(timeout_ms=200).values():
                for r in records:
                    self._out.record(topic, r.partition, r.offset, None, r.key, r.value, r.headers)
        stopped = {partition.partition: consumer.position(partition) for partition in partitions}
        consumer.close()
        return {"offsets": stopped}

    def _consumer(self, isolation, group):
        return KafkaConsumer(bootstrap_servers=self._bootstrap, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False,
                             isolation_level=isolation)
