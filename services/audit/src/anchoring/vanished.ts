import type { Write } from '@tallystick/storage'
import type { BlockHead } from './chain-reads.ts'
import { anchors } from './collections.ts'
import { change, unmined, wait } from './machine.ts'
import type { AnchorRead, Context, Outcome } from './machine.ts'

const pageSize = 100
const mostWrites = 1000

/**
 * Looks whether the newest final anchor is still in its block, and undoes all that are not: a test chain was reset, or
 * history was rewritten below what counted as final. Undefined when nothing is missing.
 */
export async function vanished(context: Context, latest: BlockHead): Promise<Outcome | undefined> {
  const writes: Write[] = []
  const { chain, deps } = context
  const equals = [chain.id, chain.contract, deps.origin]
  let after: string | undefined
  do {
    const page = await deps.store.find(anchors.bySize, { equals, order: 'desc', limit: pageSize, after })
    for (const anchor of page.items) {
      if (anchor.state !== 'final' || anchor.block === undefined) continue
      const fate = await fateOf(context, anchor, anchor.block, latest)
      if (fate === 'kept') return undone(writes)
      if (fate === 'behind') {
        return wait(
          'chain_behind',
          `the chain is at block ${latest.number}, an anchor is in ${anchor.block.number}`,
        )
      }
      writes.push(undo(anchor))
    }
    after = page.next
  } while (after !== undefined && writes.length < mostWrites)
  return undone(writes)
}

/**
 * A block that is not there yet may only mean a node that lags; the genesis block tells a new chain from an old one.
 */
async function fateOf(
  { chain }: Context,
  anchor: AnchorRead,
  block: { number: number; hash: string },
  latest: BlockHead,
): Promise<'kept' | 'gone' | 'behind'> {
  if (latest.number >= block.number) {
    return (await chain.blockAt(block.number))?.hash === block.hash ? 'kept' : 'gone'
  }
  const genesis = await chain.blockAt(0)
  return genesis !== undefined && anchor.genesis !== undefined && genesis.hash !== anchor.genesis
    ? 'gone'
    : 'behind'
}

function undo(anchor: AnchorRead): Write {
  return change(anchor, { state: 'lost', open: false, nonce: undefined, ...unmined })
}

function undone(writes: Write[]): Outcome | undefined {
  return writes.length === 0 ? undefined : { type: 'move', state: 'lost', writes }
}
