// The kafkajs client of the matrix. kafkajs itself brings gzip; the other codecs are registered by the application.
import { createRequire } from 'node:module'
import { compress as zstdCompress, decompress as zstdDecompress, init as initZstd } from '@bokuweb/zstd-wasm'
import kafkajs from 'kafkajs'
import SnappyCodec from 'kafkajs-snappy'
import lz4 from 'lz4-napi'
import { administrator } from './administration.mjs'
import { connections } from './connections.mjs'
import { main } from './program.mjs'
import { transactions } from './transactions.mjs'

await initZstd()

const { CompressionCodecs, CompressionTypes, Kafka, logLevel, Partitioners } = kafkajs

CompressionCodecs[CompressionTypes.Snappy] = SnappyCodec
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: encoder => lz4.compressFrame(encoder.buffer),
  decompress: buffer => lz4.decompressFrame(buffer)
})
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async encoder => Buffer.from(zstdCompress(encoder.buffer)),
  decompress: async buffer => Buffer.from(zstdDecompress(buffer))
})

const codecs = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD
}

const connect = (o, more) => new Kafka({
  brokers: [o.bootstrap], logLevel: logLevel.WARN, logCreator: () => ({ log }) => console.error(log), ...more
})
const idempotent = { idempotent: true, maxInFlightRequests: 1, createPartitioner: Partitioners.DefaultPartitioner }

await main({
  version: createRequire(import.meta.url)('kafkajs/package.json').version,
  codecs: Object.keys(codecs),

  async create (o) {
    const admin = connect(o).admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: o.topic, numPartitions: o.partitions, replicationFactor: 1 }] })
    await admin.disconnect()
  },

  async produce (o, records) {
    const producer = connect(o).producer(idempotent)
    await producer.connect()
    const messages = records.map(toMessage)
    const batchSize = 500 // send makes one request of what it is given
    for (let i = 0; i < messages.length; i += batchSize) {
      await producer.send({ topic: o.topic, compression: codecs[o.codec], messages: messages.slice(i, i + batchSize) })
    }
    await producer.disconnect()
  },

  async streamer (o) {
    // The client connects anew as often as it is told here, whatever the producer does.
    const producer = connect(o, { retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 100 } }).producer(idempotent)
    await producer.connect()
    return {
      // Of what it sends together the library tells the first offset of each partition only.
      send: async record => {
        const [{ partition, baseOffset }] = await producer.send({ topic: o.topic, messages: [toMessage(record)] })
        return { partition, offset: baseOffset }
      },
      close: () => producer.disconnect()
    }
  },

  administrator: o => administrator(connect(o)),
  transactions: o => transactions(connect(o)),
  connections: out => connections(connect, out),

  async read (o, out) {
    const consumer = connect(o).consumer({ groupId: o.group })
    await consumer.connect()
    for (const topic of o.topics) await consumer.subscribe({ topic, fromBeginning: true })
    const start = o.since ? await places(o) : []
    let left = o.count
    await new Promise((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
      consumer.run({
        autoCommit: false,
        eachMessage: async ({ topic, partition, message }) => {
          emitMessage(out, topic, partition, message)
          if (--left === 0) resolve()
        }
      }).catch(reject)
      for (const place of start) consumer.seek(place)
    })
    await consumer.disconnect()
  },

  async consume (o, out) {
    const consumer = connect(o).consumer({ groupId: o.group })
    await consumer.connect()
    await consumer.subscribe({ topic: o.topic, fromBeginning: true })
    const next = {}
    let left = o.count
    await new Promise((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
      consumer.run({
        autoCommit: false,
        eachMessage: async ({ partition, message }) => {
          if (left === 0) return // fetched, but not asked for
          emitMessage(out, o.topic, partition, message)
          next[partition] = Number(message.offset) + 1
          if (--left > 0) return
          await consumer.commitOffsets(Object.entries(next).map(([partition, offset]) => (
            { topic: o.topic, partition: Number(partition), offset: String(offset) })))
          out.committed(next)
          resolve()
        }
      }).catch(reject)
    })
    await consumer.disconnect()
  },

  async member (o, out, leave) {
    const heartbeatInterval = o.sessionMs / 10
    const consumer = connect(o).consumer({
      groupId: o.group,
      sessionTimeout: o.sessionMs,
      heartbeatInterval,
      maxWaitTimeInMs: heartbeatInterval // kafkajs sends heartbeats between fetches only
    })
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => out.assigned(payload.memberAssignment[o.topic] ?? []))
    consumer.on(consumer.events.REBALANCING, () => out.assigned([]))
    consumer.on(consumer.events.CRASH, ({ payload }) => out.error(payload.error))
    await consumer.connect()
    await consumer.subscribe({ topic: o.topic, fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ partition, message }) =>
        emitMessage(out, o.topic, partition, message)
    })
    await leave
    await consumer.disconnect()
  },

  // Commits behind what it has read; a commit that is refused or lost is no failure.
  async worker (o, out, leave) {
    const heartbeatInterval = o.sessionMs / 10
    const consumer = connect(o).consumer({
      groupId: o.group,
      sessionTimeout: o.sessionMs,
      heartbeatInterval,
      maxWaitTimeInMs: heartbeatInterval,
      retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 100 }
    })
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      out.assigned([]) // kafkajs starts from the committed offsets after every join
      out.assigned(payload.memberAssignment[o.topic] ?? [])
    })
    consumer.on(consumer.events.REBALANCING, () => out.assigned([]))
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      console.error(payload.error)
      out.assigned([])
    })
    await consumer.connect()
    await consumer.subscribe({ topic: o.topic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch, isStale }) => {
        if (isStale()) return
        for (const message of batch.messages) {
          emitMessage(out, o.topic, batch.partition, message)
        }
        const next = Number(batch.lastOffset()) + 1
        try {
          await consumer.commitOffsets([{ topic: o.topic, partition: batch.partition, offset: String(next) }])
          out.committed({ [batch.partition]: next })
        } catch (error) {
          console.error(error)
        }
      }
    })
    await leave
    await consumer.disconnect()
  }
})

function toMessage ({ key, value, headers, timestamp }) {
  return { key, value, headers: headersToObject(headers), timestamp: timestamp === undefined ? undefined : String(timestamp) }
}

// Where the first records are that are not older.
async function places (o) {
  const admin = connect(o).admin()
  await admin.connect()
  const found = await Promise.all(o.topics.map(async topic => (
    (await admin.fetchTopicOffsetsByTimestamp(topic, o.since)).map(({ partition, offset }) => ({ topic, partition, offset })))))
  await admin.disconnect()
  return found.flat()
}

function emitMessage (out, topic, partition, { offset, timestamp, key, value, headers }) {
  out.record(topic, partition, offset, timestamp, key, value, objectToHeaders(headers))
}

// kafkajs keeps headers in an object; a name that occurs twice has a list.
function headersToObject (headers) {
  const object = {}
  for (const [name, value] of headers) {
    object[name] = name in object ? [object[name], value].flat() : value
  }
  return object
}

function objectToHeaders (object) {
  return Object.entries(object).flatMap(([name, value]) => [value].flat().map(value => [name, value]))
}
