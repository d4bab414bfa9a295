import { createHash } from 'node:crypto'
import { NoteError, parseVerifierKey } from '@tallystick/merkle'
import { parseKeySet, ReceiptError } from '@tallystick/receipt'
import { maxBundleBytes, parseEvidence } from '../evidence-bundle.ts'
import { EvidenceError } from '../evidence-error.ts'
import { CommandError, exitStatus } from './command.ts'
import type { Command } from './command.ts'
import { FetchError } from './fetch-text.ts'
import { fetchKeys } from './log-client.ts'
import type { PublishedKeys } from './log-client.ts'
import { parseOptions, parseUrl } from './parse-options.ts'
import { printable } from './printable.ts'
import { readInput } from './read-input.ts'

const usage = 'tally keys URL|FILE [--json]'

/** `tally keys`: prints a service's or a bundle's keys with fingerprints to compare over another channel. */
export const keysCommand: Command = {
  summary: 'print the key set and the log key of a service or a bundle, with fingerprints',
  usage,
  run: async (args, io) => {
    const { target, values } = parseOptions(args, { json: { type: 'boolean' } } as const, usage)
    const { jwks, logKey, contracts } = await readKeys(target)
    const log = describeLogKey(logKey)
    if (values.json) {
      // A policy file as it stands, for whoever has compared the fingerprints and wants to pin them.
      io.out(JSON.stringify({ jwks, logKey, ...(contracts.length > 0 && { contracts }) }))
      return exitStatus.ok
    }
    io.out('Receipt keys (the kid is the SHA-256 thumbprint of the key, RFC 7638):')
    for (const { kid, alg, nbf, exp } of jwks.keys) io.out(`  ${kid} ${alg}${describeTime(nbf, exp)}`)
    io.out(`Log key of ${printable(log.origin)}:`)
    io.out(`  ${printable(logKey)}`)
    io.out(`  key id ${log.keyId}, SHA-256 of the public key ${log.fingerprint}`)
    if (contracts.length > 0) io.out('Anchor contracts:')
    for (const { chain, address } of contracts) io.out(`  ${address} on ${chain}`)
    return exitStatus.ok
  },
}

async function readKeys(target: string): Promise<PublishedKeys> {
  try {
    if (/^https?:/i.test(target)) return await fetchKeys(parseUrl(target))
    const { jwks, log, anchors } = parseEvidence(await readInput(target, maxBundleBytes))
    const contracts = new Map(
      anchors.map(({ chain, contract }) => [`${chain} ${contract}`, { chain, address: contract }]),
    )
    return { jwks: parseKeySet(jwks), logKey: log.key, contracts: [...contracts.values()] }
  } catch (cause) {
    const known =
      cause instanceof FetchError || cause instanceof EvidenceError || cause instanceof ReceiptError
    if (!known) throw cause
    const status = cause instanceof FetchError ? exitStatus.notVerified : exitStatus.badInput
    throw new CommandError(printable(`${target}: ${cause.message}`), status, { cause })
  }
}

function describeLogKey(text: string): { origin: string; keyId: string; fingerprint: string } {
  try {
    const { name, keyId, publicKey } = parseVerifierKey(text)
    const fingerprint = createHash('sha256').update(publicKey).digest('hex')
    return { origin: name, keyId, fingerprint: `sha256:${fingerprint}` }
  } catch (cause) {
    if (!(cause instanceof NoteError)) throw cause
    throw new CommandError(printable(`the log key: ${cause.message}`), undefined, { cause })
  }
}

function describeTime(from: number | undefined, until: number | undefined): string {
  const day = (seconds: number) => new Date(seconds * 1000).toISOString()
  return `${from === undefined ? '' : ` from ${day(from)}`}${until === undefined ? '' : ` until ${day(until)}`}`
}
