import { createLog, leases, leaseTerms, systemEntropy } from '@tallystick/runtime'
import { openStore } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import { licensingCollections } from '../start-licensing.ts'
import { runErasures } from './run-erasures.ts'
import { storeWith } from './store-with.ts'

// A process of its own that carries out the erasures of a database, and waits amid its fourth commit to be killed.

const [url = '', name = ''] = process.argv.slice(2)
const store = await openStore(url, { name, collections: [...licensingCollections, leases, leaseTerms] })
let commits = 0
const commit: Store['commit'] = async (writes) => {
  const going = store.commit(writes)
  if (++commits < 4) return going
  process.send?.('amid a commit')
  await going
  return new Promise(() => undefined)
}
await runErasures({
  ...systemEntropy(),
  store: storeWith(store, { commit }),
  erasure: { eraseBodies: async () => ({ erased: 0, ids: [] }) },
  identity: { resolveParty: async () => undefined },
  log: createLog({ name, level: 'fatal' }),
})
