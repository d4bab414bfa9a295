/** An RLP item: a byte string or a list of items (Ethereum Yellow Paper, appendix B). */
export type RlpItem = Uint8Array | RlpItem[]

/** Why bytes are not the one RLP encoding of one item. */
export class RlpError extends Error {
  override readonly name = 'RlpError'
}

// Headers nest once and trie nodes at most a few times: a deep list is only ever an attack on the stack.
const maxDepth = 16

/**
 * Decodes exactly one item that fills the bytes. Strict: a length or a single byte that has a shorter
 * encoding is refused, so that no two texts mean the same item. Throws RlpError.
 */
export function decodeRlp(bytes: Uint8Array): RlpItem {
  const { item, end } = decodeAt(bytes, 0, bytes.length, 0)
  if (end !== bytes.length) throw new RlpError('bytes follow the item')
  return item
}

/** Encodes an item. */
export function encodeRlp(item: RlpItem): Uint8Array {
  if (item instanceof Uint8Array) {
    const [first] = item
    if (item.length === 1 && first !== undefined && first < 0x80) return item
    return join([prefix(0x80, item.length), item])
  }
  const body = join(item.map(encodeRlp))
  return join([prefix(0xc0, body.length), body])
}

function decodeAt(
  bytes: Uint8Array,
  start: number,
  limit: number,
  depth: number,
): { item: RlpItem; end: number } {
  if (depth > maxDepth) throw new RlpError('lists nest too deeply')
  const first = bytes[start]
  if (first === undefined || start >= limit) throw new RlpError('bytes end within an item')
  if (first < 0x80) return { item: bytes.subarray(start, start + 1), end: start + 1 }
  const list = first >= 0xc0
  const { from, length } = lengthAt(bytes, start, limit, first - (list ? 0xc0 : 0x80))
  const end = from + length
  if (end > limit) throw new RlpError('bytes end within an item')
  if (!list) {
    const only = bytes[from]
    if (length === 1 && only !== undefined && only < 0x80) throw new RlpError('a single byte has a prefix')
    return { item: bytes.subarray(from, end), end }
  }
  const items: RlpItem[] = []
  for (let at = from; at < end;) {
    const next = decodeAt(bytes, at, end, depth + 1)
    items.push(next.item)
    at = next.end
  }
  return { item: items, end }
}

function lengthAt(
  bytes: Uint8Array,
  start: number,
  limit: number,
  code: number,
): { from: number; length: number } {
  if (code <= 55) return { from: start + 1, length: code }
  const width = code - 55
  const from = start + 1 + width
  if (from > limit) throw new RlpError('bytes end within a length')
  // Six bytes reach past any input that fits in memory; more would leave exact integers.
  if (width > 6) throw new RlpError('a length is out of range')
  if (bytes[start + 1] === 0) throw new RlpError('a length has leading zeros')
  let length = 0
  for (let at = start + 1; at < from; at++) length = length * 256 + (bytes[at] ?? 0)
  if (length <= 55) throw new RlpError('a short length is written in the long form')
  return { from, length }
}

function prefix(base: number, length: number): Uint8Array {
  if (length <= 55) return Uint8Array.of(base + length)
  const digits = length.toString(16)
  const big = Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex')
  return join([Uint8Array.of(base + 55 + big.length), big])
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}
