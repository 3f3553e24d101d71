// The @platformatic/kafka client of the matrix.
import { readFileSync } from 'node:fs'
import zlib from 'node:zlib'
import { Admin, Consumer, MessagesStreamFallbackModes, MessagesStreamModes, Producer } from '@platformatic/kafka'
import { administrator } from './administration.mjs'
import { main } from './program.mjs'

const base = o => ({ clientId: 'compat', bootstrapBrokers: [o.bootstrap] })
const fromCommittedOrEarliest = { mode: MessagesStreamModes.COMMITTED, fallbackMode: MessagesStreamFallbackModes.EARLIEST }
// The package does not export its version; its package.json is one folder above that of its main file.
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.resolve('@platformatic/kafka'))))

await main({
  version: version,
  // The library takes zstd from Node, which has it from 22.15 on.
  codecs: ['none', 'gzip', 'snappy', 'lz4', ...(zlib.zstdCompressSync ? ['zstd'] : [])],

  async create (o) {
    const admin = new Admin(base(o))
    await admin.createTopics({ topics: [o.topic], partitions: o.partitions, replicas: 1 })
    await admin.close()
  },

  async produce (o, records) {
    const producer = new Producer({ ...base(o), idempotent: true, compression: o.codec })
    const messages = records.map(record => toMessage(o.topic, record))
    const batchSize = 500 // send makes one batch for each partition of what it is given
    for (let i = 0; i < messages.length; i += batchSize) {
      await producer.send({ messages: messages.slice(i, i + batchSize) })
    }
    await producer.close()
  },

  streamer: o => {
    const producer = new Producer({ ...base(o), idempotent: true })
    return {
      // Of what it sends together the library tells the first offset of each partition only.
      send: async record => (await producer.send({ messages: [toMessage(o.topic, record)] })).offsets[0],
      close: () => producer.close()
    }
  },

  administrator: o => administrator(base(o)),

  async read (o, out) {
    const consumer = new Consumer({ ...base(o), groupId: o.group })
    let start = fromCommittedOrEarliest
    if (o.since) {
      const found = await consumer.listOffsets({ topics: o.topics, timestamp: BigInt(o.since) })
      start = { mode: MessagesStreamModes.MANUAL, offsets: o.topics.map(topic => ({ topic, partition: 0, offset: found.get(topic)[0] })) }
    }
    const stream = await consumer.consume({ topics: o.topics, autocommit: false, ...start })
    let left = o.count
    for await (const message of stream) {
      emitMessage(out, message)
      if (--left === 0) break
    }
    await consumer.close(true)
  },

  async consume (o, out) {
    const consumer = new Consumer({ ...base(o), groupId: o.group })
    const stream = await consumer.consume({ topics: [o.topic], autocommit: false, ...fromCommittedOrEarliest })
    const next = {}
    let left = o.count
    for await (const message of stream) {
      emitMessage(out, message)
      next[message.partition] = Number(message.offset) + 1
      if (--left === 0) break
    }
    await consumer.commit({
      // The library commits the offset that it is given; what is committed is the next one to read.
      offsets: Object.entries(next).map(([partition, offset]) => (
        { topic: o.topic, partition: Number(partition), offset: BigInt(offset), leaderEpoch: -1 }))
    })
    out.committed(next)
    await consumer.close(true)
  },

  async member (o, out, leave) {
    const consumer = new Consumer({
      ...base(o),
      groupId: o.group,
      groupInstanceId: o.instance,
      sessionTimeout: o.sessionMs,
      heartbeatInterval: o.sessionMs / 10,
      retries: 60, // a second apart; by default it gives up a broker that is away for three
      maxWaitTime: 100 // a fetch under way during a rebalance still brings records of partitions that were lost
    })
    consumer.on('consumer:group:join', ({ assignments }) =>
      out.assigned((assignments ?? []).filter(({ topic }) => topic === o.topic).flatMap(({ partitions }) => partitions)))
    consumer.on('consumer:group:rebalance', () => out.assigned([]))
    const stream = await consumer.consume({ topics: [o.topic], autocommit: 100, ...fromCommittedOrEarliest })
    stream.on('error', error => out.error(error))
    stream.on('data', message => emitMessage(out, message))
    await leave
    await consumer.close(true)
  }
})

function toMessage (topic, { key, value, headers, timestamp }) {
  return {
    topic,
    timestamp: timestamp === undefined ? undefined : BigInt(timestamp),
    key: key ?? undefined,
    value: value ?? undefined,
    headers: new Map(headers.map(([name, value]) => [Buffer.from(name), value]))
  }
}

function emitMessage (out, { topic, partition, offset, timestamp, key, value, headers }) {
  out.record(topic, partition, offset, timestamp, key, value, [...headers].map(([name, value]) => [name.toString(), value]))
}
