"""The step of the aiokafka client that shows who it is."""

import asyncio
import logging

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaError
from aiokafka.helpers import create_ssl_context


class NotLetIn(Exception):
    """What the library says, with the reason, which it says in its log alone."""


class FirstError(logging.Handler):
    """The first error that the library logs."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.text = ""

    def emit(self, record):
        self.text = self.text or record.getMessage()


class Connections:
    """A method for each command, done to its end in an event loop of its own."""

    refusals = NotLetIn

    @staticmethod
    def fenced(_error):
        return False

    def __init__(self, out):
        self._out, self._runner = out, asyncio.Runner()

    def exchange(self, command):
        library, logged = logging.getLogger("aiokafka"), FirstError()
        library.addHandler(logged)
        try:
            self._runner.run(self._exchange(command))
        except KafkaError as error:
            raise NotLetIn(f"{error}; {logged.text}") from error
        finally:
            library.removeHandler(logged)

    async def _exchange(self, command):
        """Sends the values, waits until all are acknowledged, and emits what it reads of the topic, as many records."""
        topic = command["topic"]
        async with AIOKafkaProducer(**settings(command)) as producer:
            for value in command["values"]:
                await producer.send_and_wait(topic, value.encode())
        async with AIOKafkaConsumer(**settings(command), auto_offset_reset="earliest") as consumer:
            consumer.assign([TopicPartition(topic, 0)])
            for _ in command["values"]:
                r = await consumer.getone()
                self._out.record(topic, r.partition, r.offset, r.timestamp, r.key, r.value, r.headers)


class Given(AbstractTokenProvider):
    """Gives the token that it was given."""

    def __init__(self, text):
        self._text = text

    async def token(self):
        return self._text


def settings(command):
    context = None
    if "ca" in command:
        context = create_ssl_context(cafile=command["ca"], certfile=command.get("certificate"), keyfile=command.get("key"))
    chosen = {"bootstrap_servers": command["bootstrap"], "security_protocol": command["protocol"], "ssl_context": context}
    if "mechanism" in command:
        chosen["sasl_mechanism"] = command["mechanism"]
    if "token" in command:
        chosen["sasl_oauth_token_provider"] = Given(command["token"])
    elif "mechanism" in command:
        chosen |= {"sasl_plain_username": command["user"], "sasl_plain_password": command["password"]}
    return chosen
