// The step of the kafkajs client that shows who it is.
import { readFileSync } from 'node:fs'

const connectionTimeout = 30_000 // the library's second is too short for a busy machine

// connect makes a client of the library from options.
export const connections = (connect, out) => ({
  refused: error => error.name.startsWith('KafkaJS'),

  // Sends the values, waits until all are acknowledged, and emits what it reads of the topic, as many records.
  exchange: async ({ topic, values, ...way }) => {
    const security = { ...settings(way), connectionTimeout }
    const producer = connect(way, { ...security, retry: { retries: 0 } }).producer() // what is refused is refused
    await producer.connect()
    await producer.send({ topic, messages: values.map(value => ({ value })) })
    await producer.disconnect()

    const consumer = connect(way, security).consumer({ groupId: topic }) // it reads in a group only
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    let next = 0 // a consumer that starts again begins at the beginning
    await new Promise((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => payload.restart || reject(payload.error))
      consumer.run({
        autoCommit: false,
        eachMessage: async ({ partition, message: { offset, timestamp, key, value } }) => {
          if (Number(offset) !== next) return
          out.record(topic, partition, offset, timestamp, key, value, [])
          if (++next === values.length) resolve()
        }
      }).catch(reject)
    })
    await consumer.disconnect()
  }
})

function settings ({ ca, certificate, key, mechanism, user: username, password, token }) {
  const read = file => file && readFileSync(file)
  const ssl = ca && { ca: read(ca), cert: read(certificate), key: read(key) }
  if (!mechanism) return { ssl }
  const sasl = token ? { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: token }) } : { mechanism, username, password }
  return { ssl, sasl }
}
