// The step of the kafkajs client that changes topics and groups.
import kafkajs from 'kafkajs'

const { ConfigResourceTypes } = kafkajs

class Refused extends Error {}

export async function administrator (kafka) {
  const admin = kafka.admin()
  await admin.connect()
  return {
    refused: error => error instanceof Refused || error.name.startsWith('KafkaJS'),

    create: async ({ topic, count }) => {
      const created = await admin.createTopics({ topics: [{ topic, numPartitions: count, replicationFactor: 1 }] })
      if (!created) throw new Refused(`topic ${topic} exists`)
    },
    topics: async () => ({ names: await admin.listTopics() }),
    describe: async ({ topic }) => {
      const { topics: [described] } = await admin.fetchTopicMetadata({ topics: [topic] })
      return { count: described.partitions.length }
    },
    partitions: ({ topic, count }) => admin.createPartitions({ topicPartitions: [{ topic, count }] }),
    // Sets this and resets all else: the library has the older of the two requests.
    alter: async ({ topic, name, value }) => {
      await admin.alterConfigs({ resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries: [{ name, value }] }] })
    },
    config: async ({ topic, name }) => {
      const { resources: [described] } = await admin.describeConfigs({
        resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configNames: [name] }]
      })
      return { text: described.configEntries.find(entry => entry.configName === name).configValue }
    },
    'delete-records': ({ topic, partition, before }) =>
      admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(before) }] }),
    groups: async () => ({ names: (await admin.listGroups()).groups.map(({ groupId }) => groupId) }),
    offsets: async ({ group, topic }) => {
      const found = (await admin.fetchOffsets({ groupId: group })).find(of => of.topic === topic)
      return { offsets: Object.fromEntries(found.partitions.map(({ partition, offset }) => [partition, Number(offset)])) }
    },
    'delete-group': async ({ group }) => { await admin.deleteGroups([group]) },
    delete: ({ topic }) => admin.deleteTopics({ topics: [topic] })
  }
}
