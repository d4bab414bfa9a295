import { idempotency } from '@tallystick/runtime'
import { replace } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'

/**
 * From now on each object that a client's request is about to change is changed by a competitor first: between the
 * request's reading and its commit, as another process might. What is returned makes the competitor stop.
 */
export function compete(store: Store): () => void {
  const commit = store.commit.bind(store)
  store.commit = async (writes) => {
    const asked = writes.some(({ collection }) => collection.name === idempotency.name)
    for (const write of asked ? writes : []) {
      if (write.type !== 'replace' || write.collection.name === idempotency.name) continue
      const found = await store.get(write.collection, write.document.id)
      if (!found) continue
      const { version, ...same } = found
      await commit([replace(write.collection, same, version)])
    }
    await commit(writes)
  }
  return () => {
    store.commit = commit
  }
}
