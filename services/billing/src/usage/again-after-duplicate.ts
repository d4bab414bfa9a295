import { StorageError } from '@tallystick/storage'

const attempts = 24

/**
 * Runs `work` again when somebody else inserted first what it wanted to insert (the same event, or the first document
 * of a bucket): what it reads next time is theirs. Throws the last DuplicateKey.
 */
export async function againAfterDuplicate<T>(work: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await work()
    } catch (error) {
      const lost = error instanceof StorageError && error.code === 'DuplicateKey'
      if (!lost || failures === attempts) throw error
    }
  }
}
