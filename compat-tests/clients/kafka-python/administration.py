"""The step of the kafka-python client that changes topics and groups."""

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError


class Refused(Exception):
    """What the library tells in words and does not raise."""


class Administrator:
    """A method for each command."""

    refusals = (KafkaError, Refused)

    @staticmethod
    def fenced(_error):
        return False

    def __init__(self, o):
        self._admin = KafkaAdminClient(bootstrap_servers=o.bootstrap)

    def create(self, command):
        self._admin.create_topics({command["topic"]: {"num_partitions": command["count"], "replication_factor": 1}})

    def topics(self, command):
        return {"names": self._admin.list_topics()}

    def describe(self, command):
        (described,) = self._admin.describe_topics([command["topic"]])
        return {"count": len(described["partitions"])}

    def partitions(self, command):
        self._admin.create_partitions({command["topic"]: command["count"]})

    def alter(self, command):
        topic = command["topic"]
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, {command["name"]: command["value"]})
        check(self._admin.alter_configs([resource])["topic"][topic])

    def config(self, command):
        topic = command["topic"]
        described = self._admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all")
        return {"text": described["topic"][topic][command["name"]]["value"]}

    def delete_records(self, command):
        self._admin.delete_records({TopicPartition(command["topic"], command["partition"]): command["before"]})

    def groups(self, command):
        return {"names": [group["group_id"] for group in self._admin.list_groups()]}

    def offsets(self, command):
        group = command["group"]
        listed = self._admin.list_group_offsets(group)[group]
        return {"offsets": {p.partition: position.offset for p, position in listed.items() if p.topic == command["topic"]}}

    def delete_group(self, command):
        group = command["group"]
        check(self._admin.delete_groups([group])[group])

    def delete(self, command):
        self._admin.delete_topics([command["topic"]])


def check(result):
    if result != "OK":
        raise Refused(result)
