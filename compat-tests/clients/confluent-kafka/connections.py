"""The step of the confluent-kafka client that shows who it is."""

import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition

# LIFETIME is what the library is told of a token, in seconds: to judge it is for the broker.
LIFETIME = 3600


class Connections:
    """A method for each command."""

    refusals = KafkaException

    @staticmethod
    def fenced(_error):
        return False

    def __init__(self, out):
        self._out = out

    def exchange(self, command):
        """Sends the values, waits until all are acknowledged, and emits what it reads of the topic, as many records."""
        settings, topic = config(command), command["topic"]
        send(settings, topic, command["values"])
        consumer = Consumer(settings | {"group.id": "none"})  # the library wants one
        consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
        left = len(command["values"])
        while left > 0:
            message = consumer.poll(1)
            if message is None:
                continue
            if message.error():
                raise KafkaException(message.error())
            self._out.record(topic, message.partition(), message.offset(), None, message.key(), message.value(), message.headers())
            left -= 1
        consumer.close()


def send(settings, topic, values):
    """Raises the first error: the library itself would try on."""
    errors = []

    def delivered(error, _message):
        if error is not None:
            errors.append(error)

    producer = Producer(settings | {"error_cb": errors.append})
    for value in values:
        producer.produce(topic, value.encode(), on_delivery=delivered)
    while len(producer) > 0 and not errors:
        producer.poll(0.1)
    if errors:
        first = errors[0]
        producer.purge()
        producer.flush()
        raise KafkaException(first)


def config(command):
    settings = {
        "bootstrap.servers": command["bootstrap"],
        "security.protocol": command["protocol"],
        "ssl.ca.location": command.get("ca"),
        "ssl.certificate.location": command.get("certificate"),
        "ssl.key.location": command.get("key"),
        "sasl.mechanism": command.get("mechanism"),
    }
    if "token" in command:
        settings["oauth_cb"] = lambda _: (command["token"], time.time() + LIFETIME)
    else:
        settings |= {"sasl.username": command.get("user"), "sasl.password": command.get("password")}
    return {name: value for name, value in settings.items() if value is not None}
