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
  // The broker has the record on this line of standard input, counted from 0.
  acked: (index, partition, offset) => emit('acked', { index, partition, offset: Number(offset) }),
  // The member owns these partitions now: all of them, not the change.
  assigned: partitions => emit('assigned', { partitions: [...partitions].sort((a, b) => a - b) }),
  error: error => emit('error', { message: describe(error) })
}

const describe = error => [error, ...(error?.errors ?? [])].map(e => String(e?.stack ?? e)).join('\n')

// What the libraries leave open at an error would keep Node running.
function fail (error) {
  out.error(error)
  process.exit(1)
}

const lines = () => createInterface({ input: process.stdin })

function parseRecord (line) {
  const { key, value, headers, timestamp } = JSON.parse(line)
  return { key: decode(key), value: decode(value), headers: headers.map(([name, value]) => [name, decode(value)]), timestamp }
}

async function readRecords () {
  const records = []
  for await (const line of lines()) records.push(parseRecord(line))
  return records
}

// Sends each record as it comes: send returns its partition and offset. Standard input is read on also while it does not.
async function stream (send) {
  let sending = Promise.resolve()
  let count = 0
  const input = lines()
  input.on('line', line => {
    const index = count++
    sending = sending.then(() => send(parseRecord(line))).then(({ partition, offset }) => out.acked(index, partition, offset))
    sending.catch(fail)
  })
  await once(input, 'close')
  await sending
  return count
}

// Does the commands on standard input; actor has a method for each, which answers with an object or nothing.
// Its refused tells of an error whether it is how the library tells that the broker, or itself, did not do it;
// its fenced whether such an error means that another producer has taken over.
async function obey (actor) {
  for await (const line of lines()) {
    const command = JSON.parse(line)
    try {
      emit('done', await actor[command.do](command))
    } catch (error) {
      if (!actor.refused(error)) throw error
      emit('refused', { message: describe(error), fenced: actor.fenced?.(error) ?? false })
    }
  }
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
      protocol: { type: 'string', default: 'classic' },
      'max-bytes': { type: 'string', default: '0' },
      since: { type: 'string', default: '0' },
      instance: { type: 'string' }
    }
  })
  const options = {
    ...values,
    partitions: Number(values.partitions),
    count: Number(values.count),
    sessionMs: Number(values['session-ms']),
    maxBytes: Number(values['max-bytes']),
    since: Number(values.since)
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
      case 'stream': {
        const streamer = await client.streamer(options)
        const count = await stream(streamer.send)
        await streamer.close()
        emit('produced', { count })
        break
      }
      case 'admin':
        await obey(await client.administrator(options))
        process.exit() // what is left open ends with the program
        break
      case 'connect':
        await obey(client.connections(out))
        process.exit()
        break
      case 'transact':
        await obey(client.transactions(options, out))
        process.exit()
        break
      case 'member':
      case 'worker':
        await client[step](options, out, once(process.stdin.resume(), 'end'))
        emit('left')
        process.exit() // kafkajs that has lost a broker leaves something behind that would keep Node running
      default:
        throw new Error(`unknown step ${step}; doc.go has them all`)
    }
  } catch (error) {
    fail(error)
  }
}
