import serialize from 'canonicalize'

/** Thrown for a value that has no canonical JSON form; `pointer` (RFC 6901) says where it stands. */
export class NotCanonicalizable extends Error {
  override readonly name = 'NotCanonicalizable'
  readonly pointer: string

  constructor(reason: string, pointer: string) {
    super(`${reason} at ${pointer === '' ? 'the top' : pointer}`)
    this.pointer = pointer
  }
}

/**
 * The RFC 8785 canonical JSON text of `value`. Throws NotCanonicalizable for whatever JSON cannot carry without
 * loss: NaN and infinities, bigint, lone surrogates, undefined members, holes, cycles and objects of a class.
 */
export function canonicalize(value: unknown): string {
  requirePlain(value, '', new Set())
  const text = serialize(value)
  if (text === undefined) throw new NotCanonicalizable('no JSON form', '')
  return text
}

/**
 * Refuses what serializers drop or convert in silence. A digest over `{ "a": undefined }` must not equal the digest
 * over `{}`, and a `toJSON` must not decide what is signed.
 */
function requirePlain(value: unknown, pointer: string, ancestors: Set<object>): void {
  if (value === null || typeof value === 'boolean') return
  if (typeof value === 'string') return requireWellFormed(value, pointer)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new NotCanonicalizable(`${value} is not a JSON number`, pointer)
    return
  }
  if (typeof value !== 'object') throw new NotCanonicalizable(`${typeof value} has no JSON form`, pointer)
  if (ancestors.has(value)) throw new NotCanonicalizable('a cycle', pointer)
  if (ancestors.size >= maxDepth) throw new NotCanonicalizable(`more than ${maxDepth} levels`, pointer)
  ancestors.add(value)
  if (Array.isArray(value)) {
    // By index, not by iterator: a hole must be seen as the undefined that it is.
    for (let index = 0; index < value.length; index++) {
      requirePlain(value[index], `${pointer}/${index}`, ancestors)
    }
  } else {
    requirePlainObject(value, pointer)
    for (const [name, member] of Object.entries(value)) {
      const at = `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
      requireWellFormed(name, at)
      requirePlain(member, at, ancestors)
    }
  }
  ancestors.delete(value)
}

const maxDepth = 500

function requirePlainObject(value: object, pointer: string): void {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    throw new NotCanonicalizable('an object of a class has no JSON form', pointer)
  }
  if (Object.getOwnPropertySymbols(value).length > 0) {
    throw new NotCanonicalizable('a member named by a symbol', pointer)
  }
}

function requireWellFormed(text: string, pointer: string): void {
  if (!text.isWellFormed()) throw new NotCanonicalizable('a lone surrogate', pointer)
}
