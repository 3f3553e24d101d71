"""The step of the confluent-kafka client that changes topics and groups."""

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic, ResourceType

# LIMIT is above what any answer takes, in seconds.
LIMIT = 30


class Administrator:
    """A method for each command. The library answers with one future for each thing that was asked about."""

    refusals = KafkaException

    @staticmethod
    def fenced(_error):
        return False

    def __init__(self, o):
        self._admin = AdminClient({"bootstrap.servers": o.bootstrap})

    def create(self, command):
        wait(self._admin.create_topics([NewTopic(command["topic"], command["count"], 1)]))

    def topics(self, command):
        return {"names": list(self._admin.list_topics(timeout=LIMIT).topics)}

    def describe(self, command):
        topic = command["topic"]
        return {"count": len(self._admin.list_topics(topic, LIMIT).topics[topic].partitions)}

    def partitions(self, command):
        wait(self._admin.create_partitions([NewPartitions(command["topic"], command["count"])]))

    def alter(self, command):
        entry = ConfigEntry(command["name"], command["value"], incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, command["topic"], incremental_configs=[entry])
        wait(self._admin.incremental_alter_configs([resource]))

    def config(self, command):
        described = wait(self._admin.describe_configs([ConfigResource(ResourceType.TOPIC, command["topic"])]))
        return {"text": described[command["name"]].value}

    def delete_records(self, command):
        wait(self._admin.delete_records([TopicPartition(command["topic"], command["partition"], command["before"])]))

    def groups(self, command):
        return {"names": [group.group_id for group in self._admin.list_consumer_groups().result(LIMIT).valid]}

    def offsets(self, command):
        listed = wait(self._admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(command["group"])]))
        return {"offsets": {p.partition: p.offset for p in listed.topic_partitions if p.topic == command["topic"]}}

    def delete_group(self, command):
        wait(self._admin.delete_consumer_groups([command["group"]]))

    def delete(self, command):
        wait(self._admin.delete_topics([command["topic"]]))


def wait(futures):
    """The result of the one future."""
    (future,) = futures.values()
    return future.result(LIMIT)
