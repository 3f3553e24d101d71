"""The step of the aiokafka client that changes topics and groups."""

import asyncio

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code


class Administrator:
    """A method for each command, done to its end in an event loop of its own.

    Some of the library's answers are those of the broker, with error codes in them.
    """

    refusals = KafkaError

    @staticmethod
    def fenced(_error):
        return False

    def __init__(self, o):
        self._runner = asyncio.Runner()
        self._admin = self._runner.run(started(o.bootstrap))

    def create(self, command):
        response = self._run(self._admin.create_topics([NewTopic(command["topic"], command["count"], 1)]))
        for _, code, *message in response.topic_errors:
            check(code, *message)

    def topics(self, command):
        return {"names": self._run(self._admin.list_topics())}

    def describe(self, command):
        (described,) = self._run(self._admin.describe_topics([command["topic"]]))
        check(described["error_code"])
        return {"count": len(described["partitions"])}

    def partitions(self, command):
        self._run(self._admin.create_partitions({command["topic"]: NewPartitions(command["count"])}))

    def alter(self, command):
        """Sets this and resets all else: the library has the older of the two requests."""
        resource = ConfigResource(ConfigResourceType.TOPIC, command["topic"], {command["name"]: command["value"]})
        for response in self._run(self._admin.alter_configs([resource])):
            for code, message, *_ in response.resources:
                check(code, message)

    def config(self, command):
        name = command["name"]
        resource = ConfigResource(ConfigResourceType.TOPIC, command["topic"], {name: None})
        (response,) = self._run(self._admin.describe_configs([resource]))
        ((code, message, _, _, entries),) = response.resources
        check(code, message)
        return {"text": {entry[0]: entry[1] for entry in entries}[name]}

    def delete_records(self, command):
        partition = TopicPartition(command["topic"], command["partition"])
        self._run(self._admin.delete_records({partition: RecordsToDelete(command["before"])}))

    def groups(self, command):
        return {"names": [group for group, *_ in self._run(self._admin.list_consumer_groups())]}

    def offsets(self, command):
        listed = self._run(self._admin.list_consumer_group_offsets(command["group"]))
        return {"offsets": {p.partition: position.offset for p, position in listed.items() if p.topic == command["topic"]}}

    def delete(self, command):
        response = self._run(self._admin.delete_topics([command["topic"]]))
        for _, code in response.topic_error_codes:
            check(code)

    def _run(self, request):
        return self._runner.run(request)


async def started(bootstrap):
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    return admin


def check(code, message=None):
    if code:
        raise for_code(code)(message or "")
