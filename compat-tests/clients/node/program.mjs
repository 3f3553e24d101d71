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
  record: (partition, offset, key, value, headers) => emit('record', {
    partition, offset: Number(offset), key: encode(key), value: encode(value),
    headers: headers.map(([name, value]) => [name, encode(value)])
  }),
  // The commit of these next offsets (partition to offset) was answered.
  committed: offsets => emit('committed', { offsets }),
  // The member owns these partitions now: all of them, not the change.
  assigned: partitions => emit('assigned', { partitions: [...partitions].sort((a, b) => a - b) }),
  error: error => emit('error', { message: String(error?.stack ?? error) })
}

async function readRecords () {
  const records = []
  for await (const line of createInterface({ input: process.stdin })) {
    const { key, value, headers } = JSON.parse(line)
    records.push({ key: decode(key), value: decode(value), headers: headers.map(([name, value]) => [name, decode(value)]) })
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
      case 'consume':
        await client.consume(options, out)
        break
      case 'member':
      case 'worker':
        await client[step](options, out, once(process.stdin.resume(), 'end'))
        emit('left')
        process.exit() // kafkajs that has lost a broker leaves something behind that would keep Node running
      default:
        throw new Error(`unknown step ${step}: want about, create, produce, consume, member or worker`)
    }
  } catch (error) {
    out.error(error)
    process.exitCode = 1
  }
}
