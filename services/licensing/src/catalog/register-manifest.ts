import type { ManifestSummary } from '@tallystick/protocol'
import type { Caller } from '@tallystick/runtime'
import type { Deps } from '../deps.ts'
import type { LineReader, ManifestEntry } from './manifest-formats.ts'
import { readLines } from './manifest-lines.ts'
import type { ManifestLine } from './manifest-lines.ts'
import { registerItems } from './register-items.ts'

const chunkLines = 1000
const chunkBytes = 2 * 1024 * 1024
const toldErrors = 100

type Summary = Omit<ManifestSummary, 'object' | 'dataset'>
type Parsed = { line: number; size: number; entry: NonNullable<ManifestEntry> }

/**
 * Registers the items of a manifest of any length in one dataset. One chunk is written while the next is read, and no
 * more is taken from the sender meanwhile. After a break the same manifest is sent again: what was registered counts
 * as duplicate then.
 */
export async function registerManifest(
  deps: Deps,
  caller: Caller,
  dataset: string,
  manifest: { source: AsyncIterable<Uint8Array>; read: LineReader },
): Promise<ManifestSummary> {
  const summary: Summary = { lines: 0, registered: 0, duplicates: 0, refused: 0, errors: [] }
  // At most one chunk is on its way: chunks of one manifest never race each other.
  let writing: Promise<void> = Promise.resolve()
  const write = async (chunk: Parsed[]) => {
    await writing
    writing = registerChunk(deps, caller, { dataset, chunk, summary })
    // Awaited at the next chunk; until then a failure must not count as unhandled.
    writing.catch(() => undefined)
  }

  let chunk: Parsed[] = []
  let bytes = 0
  for await (const line of readLines(manifest.source)) {
    summary.lines = line.line
    const entry = entryOf(line, manifest.read)
    if (!entry) continue
    const size = line.text?.length ?? 0
    chunk.push({ line: line.line, size, entry })
    bytes += size
    if (chunk.length < chunkLines && bytes < chunkBytes) continue
    await write(chunk)
    chunk = []
    bytes = 0
  }
  await write(chunk)
  await writing
  return { object: 'manifest_summary', dataset, ...summary }
}

function entryOf({ text, reason }: ManifestLine, read: LineReader): ManifestEntry {
  if (text === undefined) return { reason: reason ?? 'cannot be read' }
  return text.trim() === '' ? undefined : read(text)
}

async function registerChunk(
  deps: Deps,
  caller: Caller,
  { dataset, chunk, summary }: { dataset: string; chunk: readonly Parsed[]; summary: Summary },
): Promise<void> {
  const accepted = chunk.flatMap(({ entry }) => ('item' in entry ? [{ ...entry.item, dataset }] : []))
  const outcomes = (await registerItems(deps, caller, accepted)).values()
  const refuse = (line: number, code: string, detail: string) => {
    summary.refused++
    if (summary.errors.length < toldErrors) summary.errors.push({ line, code, detail })
  }
  for (const { line, entry } of chunk) {
    if ('reason' in entry) {
      refuse(line, 'validation_failed', entry.reason)
      continue
    }
    const outcome = outcomes.next().value
    if (outcome?.status === 'registered') summary.registered++
    else if (outcome?.status === 'duplicate') summary.duplicates++
    else if (outcome?.status === 'refused')
      refuse(line, outcome.error.code, `${outcome.error.pointer} ${outcome.error.detail}`)
  }
}
