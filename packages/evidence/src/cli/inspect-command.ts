import { parseTlogProof } from '@tallystick/merkle'
import { parseStrictJson } from '@tallystick/receipt'
import { maxBundleBytes, parseEvidence } from '../evidence-bundle.ts'
import type { EvidenceBundle } from '../evidence-bundle.ts'
import { EvidenceError } from '../evidence-error.ts'
import { CommandError, exitStatus } from './command.ts'
import type { Command, Io } from './command.ts'
import { parseOptions } from './parse-options.ts'
import { printable } from './printable.ts'
import { readInput } from './read-input.ts'

const usage = 'tally inspect FILE [--json]'

/** `tally inspect`: shows what an evidence bundle says, without believing any of it. */
export const inspectCommand: Command = {
  summary: 'show what an evidence bundle says, without checking it',
  usage,
  run: async (args, io) => {
    const { target, values } = parseOptions(args, { json: { type: 'boolean' } } as const, usage)
    const bundle = readBundle(await readInput(target, maxBundleBytes), target)
    const [header, payload] = bundle.receipt.split('.').map(decodePart)
    const proof = readProof(bundle)
    if (values.json) {
      const { receipt, jwks, log, anchors } = bundle
      io.out(JSON.stringify({ receipt: { jws: receipt, header, payload }, jwks, log, proof, anchors }))
      return exitStatus.ok
    }
    io.out('NOT CHECKED: this is what the file says; `tally verify` says what is true of it.')
    printTree('receipt', { header, payload }, io)
    printTree('log', bundle.log, io)
    printTree('proof', proof ?? 'none: the receipt was not in a checkpoint yet', io)
    printTree('keys', bundle.jwks.keys, io)
    for (const [position, { state, ...anchor }] of bundle.anchors.entries()) {
      const described =
        state === undefined ? 'none' : `${state.account.length} + ${state.storage.length} nodes`
      printTree(`anchors[${position}]`, { ...anchor, 'state proof': described }, io)
    }
    return exitStatus.ok
  },
}

function readBundle(text: string, name: string): EvidenceBundle {
  try {
    return parseEvidence(text)
  } catch (cause) {
    if (!(cause instanceof EvidenceError)) throw cause
    throw new CommandError(printable(`${name}: ${cause.message}`), undefined, { cause })
  }
}

function readProof(bundle: EvidenceBundle) {
  if (bundle.proof === undefined) return undefined
  try {
    const { index, proof, checkpoint } = parseTlogProof(bundle.proof)
    return { index, hashes: proof.length, checkpoint: checkpoint.trimEnd().split('\n') }
  } catch {
    return 'not a tlog-proof'
  }
}

function decodePart(part: string): unknown {
  try {
    return parseStrictJson(Buffer.from(part, 'base64url'), { maxDepth: 8 })
  } catch {
    return 'not JSON'
  }
}

/** Members, indented; every leaf is one printable line. */
function printTree(name: string, value: unknown, io: Io, depth = 0): void {
  const indent = '  '.repeat(depth)
  if (typeof value === 'object' && value !== null) {
    io.out(`${indent}${printable(name)}:`)
    for (const [member, inner] of Object.entries(value)) printTree(member, inner, io, depth + 1)
    return
  }
  io.out(`${indent}${printable(name)}: ${printable(String(value))}`)
}
