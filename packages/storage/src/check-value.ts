import { InvalidDocument, type StorageErrorPlace } from './errors.ts'
import { limits } from './limits.ts'

/**
 * Refuses what BSON, MongoDB and JavaScript do not say alike, at any depth. A document may hold a client's JSON, so the
 * names are the client's: `_bsontype` would make the encoder take an object for another type, `$` is an operator
 * to MongoDB, NUL ends a BSON name early, `__proto__` changes an object when it is decoded.
 */
export function checkValue(document: object, place: StorageErrorPlace): void {
  for (const name in document) {
    if (!plainNames.has(name)) checkField(name, place)
    check((document as Record<string, unknown>)[name], name, 1, place)
  }
}

const plainNames = new Set<string>()
const mostPlainNames = 4096

function checkField(name: string, place: StorageErrorPlace): void {
  if (name.includes('.') || name === '_id') throw new InvalidDocument(`${name} cannot name a field`, place)
  checkName(name, place)
  // The same fields come with each document; what a client names is bounded.
  if (plainNames.size < mostPlainNames && name.length <= 64) plainNames.add(name)
}

function check(value: unknown, path: string, depth: number, place: StorageErrorPlace): void {
  switch (typeof value) {
    case 'string':
      if (value.isWellFormed()) return
      throw new InvalidDocument(`${path} is not well-formed text`, place)
    case 'bigint':
      if (value === BigInt.asIntN(64, value)) return
      throw new InvalidDocument(`${path} is over 64 bits`, place)
    case 'number':
    case 'boolean':
    case 'undefined':
      return
    case 'object':
      if (value !== null) checkObject(value, path, depth, place)
      return
    default:
      throw new InvalidDocument(`${path} is a ${typeof value}`, place)
  }
}

function checkObject(value: object, path: string, depth: number, place: StorageErrorPlace): void {
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new InvalidDocument(`${path} is an invalid date`, place)
    return
  }
  if (value instanceof Uint8Array) return
  if (depth >= limits.depth) throw new InvalidDocument(`${path} is nested too deep`, place)
  if (Array.isArray(value)) {
    for (const item of value as unknown[]) {
      if (item === undefined) throw new InvalidDocument(`${path} has a hole`, place)
      check(item, path, depth + 1, place)
    }
    return
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    throw new InvalidDocument(`${path} is no plain object`, place)
  }
  for (const name of Object.keys(value)) {
    checkName(name, place)
    check((value as Record<string, unknown>)[name], path, depth + 1, place)
  }
}

function checkName(name: string, place: StorageErrorPlace): void {
  if (name.startsWith('$') || name === '_bsontype' || name === '__proto__' || name.includes('\0')) {
    throw new InvalidDocument(`${JSON.stringify(name)} cannot name a field`, place)
  }
  if (!name.isWellFormed()) throw new InvalidDocument('a name is not well-formed text', place)
}
