"""The step of the kafka-python client that shows who it is."""

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from kafka.net.sasl.oauth import AbstractTokenProvider


class Connections:
    """A method for each command.

    Whatever the broker has against it, the library tries again until its time is over, and says no more than that: it
    often loses the last answer before the end of a connection, so that its log does not say more either.
    """

    refusals = KafkaError

    @staticmethod
    def fenced(_error):
        return False

    def __init__(self, out):
        self._out = out

    def exchange(self, command):
        """Sends the values, waits until all are acknowledged, and emits what it reads of the topic, as many records."""
        topic = command["topic"]
        producer = KafkaProducer(**settings(command))
        for sent in [producer.send(topic, value.encode()) for value in command["values"]]:
            sent.get()
        producer.close()
        consumer = KafkaConsumer(**settings(command), auto_offset_reset="earliest")
        consumer.assign([TopicPartition(topic, 0)])
        for _ in command["values"]:
            r = next(consumer)
            self._out.record(topic, r.partition, r.offset, r.timestamp, r.key, r.value, r.headers)
        consumer.close()


class Given(AbstractTokenProvider):
    """Gives the token that it was given."""

    def __init__(self, text):
        super().__init__()
        self._text = text

    def token(self):
        return self._text


def settings(command):
    chosen = {
        "bootstrap_servers": command["bootstrap"],
        "bootstrap_timeout_ms": command["patience-ms"],
        "security_protocol": command["protocol"],
        "ssl_cafile": command.get("ca"),
        "ssl_certfile": command.get("certificate"),
        "ssl_keyfile": command.get("key"),
        "sasl_mechanism": command.get("mechanism"),
        "sasl_plain_username": command.get("user"),
        "sasl_plain_password": command.get("password"),
    }
    if "token" in command:
        chosen["sasl_oauth_token_provider"] = Given(command["token"])
    return chosen
