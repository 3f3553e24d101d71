// The step of the @platformatic/kafka client that changes topics and groups.
import { Admin, ConfigResourceTypes, GenericError, IncrementalAlterConfigOperationTypes } from '@platformatic/kafka'

export function administrator (base) {
  const admin = new Admin(base)
  return {
    refused: error => GenericError.isGenericError(error),

    create: async ({ topic, count }) => { await admin.createTopics({ topics: [topic], partitions: count, replicas: 1 }) },
    topics: async () => ({ names: await admin.listTopics() }),
    describe: async ({ topic }) => {
      const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true })
      return { count: topics.get(topic).partitionsCount }
    },
    partitions: ({ topic, count }) => admin.createPartitions({ topics: [{ name: topic, count }] }),
    alter: ({ topic, name, value }) => admin.incrementalAlterConfigs({
      resources: [{
        resourceType: ConfigResourceTypes.TOPIC,
        resourceName: topic,
        configs: [{ name, configOperation: IncrementalAlterConfigOperationTypes.SET, value }]
      }]
    }),
    config: async ({ topic, name }) => {
      const [described] = await admin.describeConfigs({
        resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configurationKeys: [name] }]
      })
      return { text: described.configs.find(config => config.name === name).value }
    },
    'delete-records': async ({ topic, partition, before }) => {
      await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition, offset: BigInt(before) }] }] })
    },
    groups: async () => ({ names: [...(await admin.listGroups()).keys()] }),
    offsets: async ({ group, topic }) => {
      const [{ topics }] = await admin.listConsumerGroupOffsets({ groups: [group] })
      const { partitions } = topics.find(({ name }) => name === topic)
      return { offsets: Object.fromEntries(partitions.map(p => [p.partitionIndex, Number(p.committedOffset)])) }
    },
    'delete-group': ({ group }) => admin.deleteGroups({ groups: [group] }),
    delete: ({ topic }) => admin.deleteTopics({ topics: [topic] })
  }
}
