"""The step of the confluent-kafka client that needs transactions."""

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition

FENCED = {KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH}
# LIMIT is above what any answer takes, in seconds.
LIMIT = 30


def transact(o, out, commands):
    """Does what the commands say and answers each: done, or refused and why."""
    transactions = Transactions(o.bootstrap, out)
    for command in commands:
        try:
            answer = getattr(transactions, command["do"])(command)
        except KafkaException as e:
            error = e.args[0]
            out.emit("refused", message=f"{error.name()}: {error.str()}", fenced=error.code() in FENCED)
        else:
            out.emit("done", **(answer or {}))


class Transactions:
    """A method for each command."""

    def __init__(self, bootstrap, out):
        self._bootstrap, self._out = bootstrap, out
        self._producers, self._readers = {}, {}

    def init(self, command):
        producer = Producer({
            "bootstrap.servers": self._bootstrap,
            "transactional.id": command["id"],
            "transaction.timeout.ms": command["timeout-ms"],
            "error_cb": self._out.note,  # without one, flush raises in the middle of its reports
        })
        self._producers[command["as"]] = producer
        producer.init_transactions(LIMIT)

    def begin(self, command):
        self._producers[command["as"]].begin_transaction()

    def commit(self, command):
        self._producers[command["as"]].commit_transaction(LIMIT)

    def abort(self, command):
        self._producers[command["as"]].abort_transaction(LIMIT)

    def send(self, command):
        """Returns when every value is acknowledged."""
        producer, errors = self._producers[command["as"]], []

        def delivered(error, _message):
            if error is not None:
                errors.append(error)

        for value in command["values"]:
            producer.produce(command["topic"], partition=command["partition"], value=value, on_delivery=delivered)
        try:
            producer.flush(LIMIT)
        except SystemError as error:  # the library raises a fatal error even while it calls delivered
            raise error.__cause__ or error
        if errors:
            raise KafkaException(errors[0])

    def offsets(self, command):
        group = command["group"]
        if group not in self._readers:
            self._readers[group] = self._consumer("read_committed", group)
        offsets = [TopicPartition(command["topic"], int(p), at) for p, at in command["offsets"].items()]
        metadata = self._readers[group].consumer_group_metadata()
        self._producers[command["as"]].send_offsets_to_transaction(offsets, metadata, LIMIT)

    def transform(self, command):
        """Moves records from one topic to another in transactions, with the offsets of a group, until count were committed."""
        producer, topic = self._producers[command["as"]], command["topic"]
        consumer = self._consumer("read_committed", command["group"])
        consumer.subscribe([topic])
        left, transactions = command["count"], 1
        while left > 0:
            records = consumer.consume(20, 0.2)
            for record in records:
                if record.error():
                    raise KafkaException(record.error())
            if not records:
                continue
            producer.begin_transaction()
            first, following = {}, {}
            for record in records:
                producer.produce(command["to"], partition=record.partition(), key=record.key(), value=record.value())
                first.setdefault(record.partition(), record.offset())
                following[record.partition()] = record.offset() + 1
            offsets = [TopicPartition(topic, p, at) for p, at in following.items()]
            producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), LIMIT)
            if transactions % command["abort-every"] == 0:
                producer.flush(LIMIT)  # so that there is something to abort
                producer.abort_transaction(LIMIT)
                for partition, at in first.items():
                    consumer.seek(TopicPartition(topic, partition, at))
            else:
                producer.commit_transaction(LIMIT)
                left -= len(records)
            transactions += 1
        consumer.close()

    def drain(self, command):
        """Emits the whole topic, up to its end as the isolation level has it, and where it stopped."""
        consumer, topic = self._consumer(command["isolation"], "drain", eof=True), command["topic"]
        partitions = consumer.list_topics(topic, LIMIT).topics[topic].partitions
        consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in partitions])
        ends = {}
        while len(ends) < len(partitions):
            message = consumer.poll(LIMIT)
            if message is None:
                raise TimeoutError(f"the ends of {len(partitions) - len(ends)} partitions do not come")
            if message.error() is None:
                self._out.record(topic, message.partition(), message.offset(), None, message.key(), message.value(), message.headers())
            elif message.error().code() == KafkaError._PARTITION_EOF:
                ends[message.partition()] = message.offset()
            else:
                raise KafkaException(message.error())
        consumer.close()
        return {"offsets": ends}

    def _consumer(self, isolation, group, eof=False):
        return Consumer({
            "bootstrap.servers": self._bootstrap,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "isolation.level": isolation,
            "enable.partition.eof": eof,
        })
