/** Runs work that names keys; two works that share a key never overlap, and run in the order in which they came. */
export type TakeTurns = <R>(keys: readonly string[], work: () => Promise<R>) => Promise<R>

/** Turns of one process. All keys of a work are taken at once, so no two works can wait for each other. */
export function takeTurns(): TakeTurns {
  const latest = new Map<string, Promise<void>>()
  return async (keys, work) => {
    const before = keys.flatMap((key) => latest.get(key) ?? [])
    const working = before.length === 0 ? work() : Promise.all(before).then(work)
    const ended = working.then(ignore, ignore)
    for (const key of keys) latest.set(key, ended)
    try {
      return await working
    } finally {
      for (const key of keys) if (latest.get(key) === ended) latest.delete(key)
    }
  }
}

function ignore(): void {}
