import { insert, replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import type { SignedTransaction, TransactionTerms } from '../chain.ts'
import { broadcast } from './broadcast.ts'
import { anchorAccounts, anchors } from './collections.ts'
import type { StoredTransaction } from './collections.ts'
import { examine, noFunds } from './examine.ts'
import type { Ready } from './examine.ts'
import { firstFees, replacementFees } from './fees.ts'
import { move, moveToIntent, wait } from './machine.ts'
import type { AnchorRead, Context, Outcome } from './machine.ts'

/** `intent` → `reserved`: the chain would take the anchor, so it gets a nonce that no other open anchor has. */
export async function reserve(context: Context, anchor: AnchorRead): Promise<Outcome> {
  const { chain, now } = context
  if (anchor.notBefore !== undefined && anchor.notBefore > now) {
    return wait(
      'backing_off',
      `a transaction reverted; the next one is due ${anchor.notBefore.toISOString()}`,
    )
  }
  const ready = await examine(context, anchor)
  if (ready.type !== 'ready') return ready
  const affordable = await affords(context, ready)
  if (affordable !== undefined) return affordable

  const sender = await chain.sender()
  const taken = await noncesTaken(context, sender)
  let nonce = (await chain.nonces(sender)).pending
  while (taken.has(nonce)) nonce++
  const outcome = move(anchor, 'reserved', { nonce, sender, genesis: ready.genesis })
  if (outcome.type === 'move') outcome.writes.push(await lockAccount(context, sender, nonce))
  return outcome
}

/** `reserved` → `signed`. What no longer holds gives the nonce back, so that it leaves no gap. */
export async function signFirst(context: Context, anchor: AnchorRead): Promise<Outcome> {
  const { chain } = context
  const { nonce } = anchor
  const sender = await chain.sender()
  if (nonce === undefined || anchor.sender !== sender) return moveToIntent(anchor)
  const ready = await examine(context, anchor)
  if (ready.type === 'wait') return moveToIntent(anchor)
  if (ready.type !== 'ready') return ready
  const fees = firstFees(ready.market, chain.config.maxFeePerGas)
  if (fees === undefined || (await chain.nonces(sender)).latest > nonce) return moveToIntent(anchor)
  return sign(context, anchor, ready, { nonce, gas: ready.gas, ...fees })
}

/** `sent` or `signed` → `signed` again, with the same nonce and higher fees: only one of the two can ever be mined. */
export async function signReplacement(context: Context, anchor: AnchorRead): Promise<Outcome> {
  const { chain } = context
  const previous = anchor.transactions.at(-1)
  const { nonce } = anchor
  if (previous === undefined || nonce === undefined || anchor.sender !== (await chain.sender()))
    return moveToIntent(anchor)
  const ready = await examine(context, anchor)
  if (ready.type !== 'ready') return ready
  const paid = {
    maxFeePerGas: BigInt(previous.maxFeePerGas),
    maxPriorityFeePerGas: BigInt(previous.maxPriorityFeePerGas),
  }
  const fees = replacementFees(paid, ready.market, chain.config.maxFeePerGas)
  if (fees === undefined) return feeCap(context, 'a replacement would cost more than')
  return sign(context, anchor, ready, { nonce, gas: ready.gas, ...fees })
}

/** `signed` → `sent`: hands the last transaction to a node. Its hash is stored, so a crash around this loses nothing. */
export async function send(context: Context, anchor: AnchorRead): Promise<Outcome> {
  const transaction = anchor.transactions.at(-1)
  if (transaction === undefined) return moveToIntent(anchor)
  const answer = await broadcast(context.chain, transaction.raw)
  if (answer.result === 'underpriced') return signReplacement(context, anchor)
  if (answer.result === 'insufficient_funds') return noFunds(context)
  if (answer.result === 'rejected') return wait('rejected', answer.message)
  // Where the nonce is used already, watching finds out by whose transaction.
  return move(anchor, 'sent', { broadcastAt: context.now })
}

async function sign(
  context: Context,
  anchor: AnchorRead,
  { call, from }: Ready,
  terms: TransactionTerms,
): Promise<Outcome> {
  const signed = await context.chain.signAnchor(call, terms)
  const transactions = [...anchor.transactions, storedForm(signed, terms, context.now)]
  return move(anchor, 'signed', { from, transactions })
}

function storedForm(
  { hash, raw }: SignedTransaction,
  terms: TransactionTerms,
  signedAt: Date,
): StoredTransaction {
  return {
    hash,
    raw: Buffer.from(raw.slice(2), 'hex'),
    nonce: terms.nonce,
    gas: terms.gas,
    maxFeePerGas: terms.maxFeePerGas.toString(),
    maxPriorityFeePerGas: terms.maxPriorityFeePerGas.toString(),
    signedAt,
  }
}

/** Nothing is reserved that could not be paid for: a nonce that waits holds up every later one. */
async function affords(context: Context, { market, gas }: Ready): Promise<Outcome | undefined> {
  const { chain } = context
  const fees = firstFees(market, chain.config.maxFeePerGas)
  if (fees === undefined)
    return feeCap(context, `the chain asks for ${market.baseFee + market.tip} wei a gas, above`)
  const balance = await chain.balance(await chain.sender())
  return balance < fees.maxFeePerGas * BigInt(gas) ? noFunds(context) : undefined
}

function feeCap({ chain }: Context, what: string): Outcome {
  return wait('fee_cap', `${what} the cap of ${chain.config.maxFeePerGas} wei`)
}

/** The nonces of the account that anchors under way hold, whichever log and contract they belong to. */
async function noncesTaken({ deps, chain }: Context, sender: string): Promise<Set<number>> {
  const taken = new Set<number>()
  for await (const anchor of deps.store.scan(anchors.byOpen, { equals: [chain.id] })) {
    if (anchor.sender === sender && anchor.nonce !== undefined) taken.add(anchor.nonce)
  }
  return taken
}

/** Two reservations at once would both write this document, so one of them fails and looks again. */
async function lockAccount({ deps, chain, now }: Context, sender: string, nonce: number): Promise<Write> {
  const id = `${chain.id}/${sender}`
  const known = await deps.store.get(anchorAccounts, id)
  const document = { id, nonce, at: now }
  return known === undefined
    ? insert(anchorAccounts, document)
    : replace(anchorAccounts, document, known.version)
}
