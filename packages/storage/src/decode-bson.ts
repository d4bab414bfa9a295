import { deserialize } from 'bson'

type Fields = Record<string, unknown>

/**
 * Decodes what `encode` wrote as `deserialize` of bson does, in half of its time: a store decodes every document that
 * it reads. What is out of the ordinary (other types, names that are not ASCII, broken bytes) is left to `deserialize`.
 */
export function decodeBson(bytes: Uint8Array): object {
  const document = new Reader(bytes).document(0, bytes.length)
  return document ?? deserialize(bytes, { useBigInt64: true, promoteBuffers: true })
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const nameSlots = 4096
const names: string[] = Array.from({ length: nameSlots }, () => '')

class Reader {
  readonly #bytes: Uint8Array
  readonly #buffer: Buffer
  #view: DataView | undefined
  #at = 0
  /** Set by what this reader does not know. */
  #odd = false

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** The document between the two places, or undefined when it is not an ordinary one. */
  document(start: number, limit: number): Fields | undefined {
    const bytes = this.#bytes
    const fields: Fields = {}
    const end = start + this.#int32(start)
    if (limit - start < 5 || end !== limit || bytes[end - 1] !== 0) return undefined
    this.#at = start + 4
    while (this.#at < end - 1) {
      const type = bytes[this.#at++]
      const name = this.#name(end)
      const value = this.#value(type, end)
      if (this.#odd) return undefined
      fields[name] = value
    }
    if (this.#at !== end - 1) return undefined
    this.#at = end
    return fields
  }

  #array(start: number, limit: number): unknown[] {
    const bytes = this.#bytes
    const list: unknown[] = []
    const end = start + this.#int32(start)
    if (limit - start < 5 || end !== limit || bytes[end - 1] !== 0) return this.#give(list)
    this.#at = start + 4
    while (this.#at < end - 1 && !this.#odd) {
      const type = bytes[this.#at++]
      // The names of elements are their places.
      while (bytes[this.#at++] !== 0) if (this.#at >= end) return this.#give(list)
      list.push(this.#value(type, end))
    }
    if (this.#at !== end - 1) return this.#give(list)
    this.#at = end
    return list
  }

  #value(type: number | undefined, end: number): unknown {
    const at = this.#at
    switch (type) {
      case 0x01:
        this.#at = at + 8
        return this.#within(end) && this.#dataView().getFloat64(at, true)
      case 0x02:
        return this.#string(at, end)
      case 0x03: {
        const size = this.#int32(at)
        return this.#fits(at, size, end) && (this.document(at, at + size) ?? this.#give(undefined))
      }
      case 0x04: {
        const size = this.#int32(at)
        return this.#fits(at, size, end) && this.#array(at, at + size)
      }
      case 0x05:
        return this.#binary(at, end)
      case 0x08:
        this.#at = at + 1
        return this.#bytes[at] === 1 || (this.#bytes[at] !== 0 && this.#give(false))
      case 0x09:
        this.#at = at + 8
        return this.#within(end) && new Date(this.#int64(at))
      case 0x0a:
        return null
      case 0x10:
        this.#at = at + 4
        return this.#within(end) && this.#int32(at)
      case 0x12:
        this.#at = at + 8
        return this.#within(end) && this.#dataView().getBigInt64(at, true)
      default:
        return this.#give(undefined)
    }
  }

  #string(at: number, end: number): string {
    const size = this.#int32(at)
    const first = at + 4
    const last = first + size - 1
    if (size < 1 || last >= end || this.#bytes[last] !== 0) return this.#give('')
    this.#at = last + 1
    for (let place = first; place < last; place++) {
      if ((this.#bytes[place] ?? 0) < 0x80) continue
      return this.#wideString(first, last)
    }
    return this.#buffer.toString('latin1', first, last)
  }

  #wideString(first: number, last: number): string {
    try {
      return utf8.decode(this.#bytes.subarray(first, last))
    } catch {
      return this.#give('')
    }
  }

  #binary(at: number, end: number): Uint8Array {
    const size = this.#int32(at)
    const first = at + 5
    if (size < 0 || first + size >= end || this.#bytes[at + 4] !== 0) return this.#give(this.#bytes)
    this.#at = first + size
    return this.#buffer.subarray(first, first + size)
  }

  /** A field's name, from a table of those that were read before: most come again with the next document. */
  #name(end: number): string {
    const bytes = this.#bytes
    const first = this.#at
    let at = first
    let slot = 0
    for (let byte = bytes[at]; byte !== 0; byte = bytes[++at]) {
      if (byte === undefined || byte >= 0x80 || at >= end) return this.#give('')
      slot = (slot * 31 + byte) & (nameSlots - 1)
    }
    this.#at = at + 1
    const known = names[slot]
    if (known !== undefined && this.#isName(known, first, at)) return known
    const name = this.#buffer.toString('latin1', first, at)
    // What bson treats in ways of its own.
    if (name.startsWith('$') || name === '__proto__') return this.#give('')
    if (name.length <= 64) names[slot] = name
    return name
  }

  #isName(name: string, first: number, last: number): boolean {
    if (name.length !== last - first || name === '') return false
    for (let at = 0; at < name.length; at++) if (name.charCodeAt(at) !== this.#bytes[first + at]) return false
    return true
  }

  #int32(at: number): number {
    const bytes = this.#bytes
    return (
      (bytes[at] ?? 0) |
      ((bytes[at + 1] ?? 0) << 8) |
      ((bytes[at + 2] ?? 0) << 16) |
      ((bytes[at + 3] ?? 0) << 24)
    )
  }

  #int64(at: number): number {
    return this.#int32(at + 4) * 2 ** 32 + (this.#int32(at) >>> 0)
  }

  #fits(at: number, size: number, end: number): boolean {
    return (size >= 5 && at + size < end) || this.#give(false)
  }

  #within(end: number): boolean {
    return this.#at < end || this.#give(false)
  }

  #dataView(): DataView {
    const { buffer, byteOffset, byteLength } = this.#bytes
    return (this.#view ??= new DataView(buffer, byteOffset, byteLength))
  }

  #give<T>(value: T): T {
    this.#odd = true
    return value
  }
}
