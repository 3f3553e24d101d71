// The step of the kafkajs client that needs transactions.
import { setTimeout } from 'node:timers/promises'

const fencedTypes = ['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED']
// These pass: the transaction before is being finished, or the group's coordinator has just come into being.
const passing = ['CONCURRENT_TRANSACTIONS', 'NOT_COORDINATOR_FOR_GROUP', 'GROUP_COORDINATOR_NOT_AVAILABLE', 'GROUP_LOAD_IN_PROGRESS']
const backoffMs = 20

export function transactions (kafka) {
  const producers = {}
  const open = {}

  async function transform ({ as, topic, to, group, count, 'abort-every': abortEvery }) {
    const consumer = kafka.consumer({ groupId: group, readUncommitted: false })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    let left = count
    let number = 1
    const move = async (partition, records) => {
      for (let moved = false; !moved; number++) {
        const transaction = await producers[as].transaction()
        await transaction.send({ topic: to, messages: records.map(({ key, value }) => ({ partition, key, value })) })
        const offset = String(Number(records.at(-1).offset) + 1)
        await patiently(() => transaction.sendOffsets({ consumerGroupId: group, topics: [{ topic, partitions: [{ partition, offset }] }] }))
        moved = number % abortEvery !== 0
        await (moved ? transaction.commit() : transaction.abort())
      }
      left -= records.length
    }
    await new Promise((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
      consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch: { partition, messages } }) => {
          for (let i = 0; i < messages.length; i += 20) await move(partition, messages.slice(i, i + 20))
          if (left <= 0) resolve()
        }
      }).catch(reject)
    })
    await consumer.disconnect()
  }

  return {
    refused: error => error.name.startsWith('KafkaJS'),
    fenced: error => fencedTypes.includes(error.type ?? error.cause?.type),

    init: async ({ as, id, 'timeout-ms': transactionTimeout }) => {
      const producer = kafka.producer({ transactionalId: id, transactionTimeout, idempotent: true, maxInFlightRequests: 1 })
      await producer.connect()
      const first = await producer.transaction() // the library takes the name with the first
      await first.abort()
      producers[as] = producer
    },
    begin: async ({ as }) => { open[as] = await producers[as].transaction() },
    commit: ({ as }) => open[as].commit(),
    abort: ({ as }) => open[as].abort(),
    // Returns when every value is acknowledged.
    send: async ({ as, topic, partition, values }) => {
      await open[as].send({ topic, messages: values.map(value => ({ partition, value })) })
    },
    offsets: ({ as, topic, group, offsets }) => {
      const partitions = Object.entries(offsets).map(([partition, at]) => ({ partition: Number(partition), offset: String(at) }))
      return patiently(() => open[as].sendOffsets({ consumerGroupId: group, topics: [{ topic, partitions }] }))
    },
    transform
  }
}

// Asks again while that may help, as the library does when it sends.
async function patiently (ask) {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!passing.includes(error.type)) throw error
      await setTimeout(backoffMs)
    }
  }
}
