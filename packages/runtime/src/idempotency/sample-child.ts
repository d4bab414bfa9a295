import type { Store, Write } from '@tallystick/storage'
import { idempotency } from './records.ts'
import { startSample } from './sample-service.ts'

// A copy of the sample service as a process of the tests: `sample-child.ts DATABASE_URL [DEATH]` prints its URL. It
// kills itself, as hard as `kill -9`, at the DEATH that it is told.

const [databaseUrl = '', death = ''] = process.argv.slice(2)

const die = (): Promise<never> => {
  process.kill(process.pid, 'SIGKILL')
  return new Promise(() => {})
}

const touches = (writes: readonly Write[], state: string) =>
  writes.some(
    (write) =>
      'document' in write &&
      write.collection.name === idempotency.name &&
      (write.document as { state?: string }).state === state,
  )

function deadly(store: Store): Store {
  const commit = async (writes: readonly Write[]) => {
    if (death === 'before the claim' && touches(writes, 'running')) await die()
    if (death === 'before the commit' && touches(writes, 'done')) await die()
    await store.commit(writes)
    if (death === 'after the claim' && touches(writes, 'running')) await die()
    if (death === 'after the commit' && touches(writes, 'done')) await die()
  }
  return new Proxy(store, {
    get(target, name) {
      if (name === 'commit') return commit
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

const { url } = await startSample(databaseUrl, {
  wrap: deadly,
  reach: (pause) => (death === pause ? die() : Promise.resolve()),
})
process.stdout.write(`${url}\n`)
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'))
