"""The step of the aiokafka client that needs transactions."""

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced


class Transactions:
    """A coroutine for each command, done to its end in one event loop."""

    # The library refuses with an assertion what its state does not allow.
    refusals = (KafkaError, AssertionError)

    def __init__(self, bootstrap, out):
        self._bootstrap, self._out = bootstrap, out
        self._producers = {}
        self._runner = asyncio.Runner()

    def __getattr__(self, name):
        """The command of that name."""
        coroutine = getattr(type(self), f"_{name}")
        return lambda command: self._runner.run(coroutine(self, command))

    @staticmethod
    def fenced(error):
        return isinstance(error, (ProducerFenced, InvalidProducerEpoch))

    async def _init(self, command):
        producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap, transactional_id=command["id"],
                                    transaction_timeout_ms=command["timeout-ms"])
        self._producers[command["as"]] = producer
        await producer.start()

    async def _begin(self, command):
        await self._producers[command["as"]].begin_transaction()

    async def _commit(self, command):
        await self._producers[command["as"]].commit_transaction()

    async def _abort(self, command):
        await self._producers[command["as"]].abort_transaction()

    async def _send(self, command):
        """Returns when every value is acknowledged."""
        producer = self._producers[command["as"]]
        sent = [await producer.send(command["topic"], value.encode(), partition=command["partition"]) for value in command["values"]]
        await asyncio.gather(*sent)

    async def _offsets(self, command):
        offsets = {TopicPartition(command["topic"], int(p)): at for p, at in command["offsets"].items()}
        await self._producers[command["as"]].send_offsets_to_transaction(offsets, command["group"])

    async def _transform(self, command):
        """Moves records from one topic to another in transactions, with the offsets of a group, until count were committed."""
        producer = self._producers[command["as"]]
        consumer = self._consumer("read_committed", command["group"])
        consumer.subscribe([command["topic"]])
        async with consumer:
            left, transactions = command["count"], 1
            while left > 0:
                polled = await consumer.getmany(timeout_ms=200, max_records=20)
                if not polled:
                    continue
                await producer.begin_transaction()
                for partition, records in polled.items():
                    for record in records:
                        await producer.send(command["to"], partition=partition.partition, key=record.key, value=record.value)
                offsets = {partition: records[-1].offset + 1 for partition, records in polled.items()}
                await producer.send_offsets_to_transaction(offsets, command["group"])
                if transactions % command["abort-every"] == 0:
                    await producer.flush()  # so that there is something to abort
                    await producer.abort_transaction()
                    for partition, records in polled.items():
                        consumer.seek(partition, records[0].offset)
                else:
                    await producer.commit_transaction()
                    left -= sum(map(len, polled.values()))
                transactions += 1

    async def _drain(self, command):
        """Emits the whole topic, up to its end as the isolation level has it, and where it stopped."""
        topic = command["topic"]
        consumer = self._consumer(command["isolation"], None)
        consumer.subscribe([topic])  # without a group it has all partitions
        async with consumer:
            partitions = consumer.assignment()
            ends = await consumer.end_offsets(partitions)
            stopped = dict.fromkeys(partitions, 0)
            while any(stopped[partition] < end for partition, end in ends.items()):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    for r in records:
                        self._out.record(topic, r.partition, r.offset, None, r.key, r.value, r.headers)
                stopped = {partition: await consumer.position(partition) for partition in partitions}
        return {"offsets": {partition.partition: at for partition, at in stopped.items()}}

    def _consumer(self, isolation, group):
        return AIOKafkaConsumer(bootstrap_servers=self._bootstrap, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False,
                                isolation_level=isolation)
