// The command line that the Node clients of the matrix share: steps and flags in, JSON lines out.
// The contract is the same in every language; doc.go in the parent folder describes it.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'

const encode = bytes => bytes?.toString('base64') ?? null
const decode = text => (text === null ? null : Buffer.from(text, 'base64'))
const emit = (event, fields) => process.stdout.write(JSON.stringify({ event, ...fields }) + '\n')

const out = {
  // headers is a list of [name, value]
  record: (topic, partition, offset, timestamp, key, value, headers) => emit('record', {
    topic, partition, offset: Number(offset), timestamp: Number(timestamp), key: encode(key), value: encode(value),
    headers: headers.map(([name, value]) => [name, encode(value)])
  }),
  // The commit of these next offsets (partition to offset) was answered.
  committed: offsets => emit('committed', { offsets }),
  // The member owns these partitions now: all of them, not the change.
  assigned: partitions => emit('assigned', { partitions: [...partitions].sort((a, b) => a - b) }),
  error: error => emit('error', { message: [error, ...(error?.errors ?? [])].map(e => String(e?.stack ?? e)).join('\n') })
}

async function readRecords () {
  const records = []
  for await (const line of createInterface({ input: process.stdin })) {
    const { key, value, headers, timestamp } = JSON.parse(line)
    records.push({
      key: decode(key), value: decode(value), headers: headers.map(([name, value]) => [name, decode(value)]), timestamp
    })
  }
  return records
}

// main runs the step of the command line; client has version, codecs and a method for each step.
export async function main (client) {
  const { positionals: [step], values } = parseArgs({
    allowPositionals: true,
    options: {
      bootstrap: { type: 'string', default: 'localhost:9092' },
      topic: { type: 'string' },
      group: { type: 'string' },
      codec: { type: 'string', default: 'none' },
      partitions: { type: 'string', default: '3' },
      count: { type: 'string', default: '0' },
      topics: { type: 'string', default: '' },
      codecs: { type: 'string', default: '' },
      'session-ms': { type: 'string', default: '45000' },
      protocol: { type: 'string', default: 'classic' }
    }
  })
  const options = {
    ...values, partitions: Number(values.partitions), count: Number(values.count), sessionMs: Number(values['session-ms'])
  }
  try {
    switch (step) {
      case 'about':
        emit('about', { version: client.version, codecs: client.codecs })
        break
      case 'create':
        await client.create(options)
        emit('created')
        break
      case 'produce': {
        const records = await readRecords()
        await client.produce(options, records)
        emit('produced', { count: records.length })
        break
      }
      case 'write': {
        const records = await readRecords()
        const topics = options.topics.split(',')
        const codecs = options.codecs.split(',')
        for (const [i, topic] of topics.entries()) {
          await client.produce({ ...options, topic, codec: codecs[i] }, records)
        }
        emit('produced', { count: records.length * topics.length })
        break
      }
      case 'read': // in a group: neither library reads without one
        await client.read({ ...options, topics: options.topics.split(',') }, out)
        break
      case 'consume':
        await client.consume(options, out)
        break
      case 'member':
      case 'worker':
        await client[step](options, out, once(process.stdin.resume(), 'end'))
        emit('left')
        process.exit() // kafkajs that has lost a broker leaves something behind that would keep Node running
      default:
        throw new Error(`unknown step ${step}: want about, create, produce, write, read, consume, member or worker`)
    }
  } catch (error) {
    out.error(error)
    process.exitCode = 1
  }
}
