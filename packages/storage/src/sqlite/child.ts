import { openStore } from '../open-store.ts'
import { plain } from '../contract/things.ts'
import { increment, insert } from '../write.ts'

// A process of the tests: `child.ts DIR commits` writes documents and prints the id of each once it is acknowledged;
// `child.ts DIR increments N` adds 1 to a counter N times; `child.ts DIR counts` does so for ever, in a collection declared
// read-mostly, and prints each count once it is acknowledged.

const [dir = '', task = '', times = '0'] = process.argv.slice(2)
const counted = { ...plain, readMostly: task === 'counts' }
const store = await openStore(`sqlite:${dir}`, { name: 'shared', collections: [counted] })
process.stdout.write('ready\n')
if (task === 'commits') await Promise.all([1, 2, 3, 4].map(writeForever))
if (task === 'counts') {
  for (let count = 1; ; count++) {
    await store.commit([increment(counted, 'sum', { count: 1 })])
    process.stdout.write(`${count}\n`)
  }
}
if (task === 'increments') {
  await Promise.all(
    Array.from({ length: Number(times) }, () => store.commit([increment(plain, 'sum', { count: 1 })])),
  )
}
await store.close()

async function writeForever(writer: number): Promise<never> {
  for (let at = 0; ; at++) {
    const ids = [`${writer}-${at}-a`, `${writer}-${at}-b`]
    await store.commit(ids.map((id) => insert(plain, { id, data: 'x'.repeat(500) })))
    process.stdout.write(`${ids.join('\n')}\n`)
  }
}
