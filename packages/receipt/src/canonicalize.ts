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

const maxDepth = 500

/**
 * The RFC 8785 canonical JSON text of `value`. Throws NotCanonicalizable for whatever JSON cannot carry without
 * loss: NaN and infinities, bigint, lone surrogates, undefined members, holes, cycles, objects of a class, and more
 * than 500 levels.
 */
export function canonicalize(value: unknown): string {
  requirePlain(value, { names: [], ancestors: [] })
  const text = serialize(value)
  if (text === undefined) throw new NotCanonicalizable('no JSON form', '')
  return text
}

/** Where the check stands: the names and the containers on the way down. */
interface Path {
  names: (string | number)[]
  ancestors: object[]
}

/**
 * Refuses what serializers drop or convert in silence. A digest over `{ "a": undefined }` must not equal the digest
 * over `{}`, and a `toJSON` must not decide what is signed.
 */
function requirePlain(value: unknown, path: Path): void {
  if (value === null || typeof value === 'boolean') return
  if (typeof value === 'string') {
    if (!value.isWellFormed()) refuse('a lone surrogate', path)
  } else if (typeof value === 'number') {
    if (!Number.isFinite(value)) refuse(`${value} is no JSON number`, path)
  } else if (typeof value === 'object') {
    requirePlainContainer(value, path)
  } else {
    refuse(`${typeof value} has no JSON form`, path)
  }
}

function requirePlainContainer(value: object, path: Path): void {
  if (path.ancestors.includes(value)) refuse('a cycle', path)
  if (path.ancestors.length >= maxDepth) refuse(`more than ${maxDepth} levels`, path)
  path.ancestors.push(value)
  if (Array.isArray(value)) {
    // By index, not by iterator: a hole must be seen as the undefined that it is.
    for (let index = 0; index < value.length; index++) requirePlainMember(index, value[index], path)
  } else {
    requirePlainObject(value, path)
    for (const [name, member] of Object.entries(value)) {
      if (!name.isWellFormed()) refuse('a lone surrogate in a member name', path)
      requirePlainMember(name, member, path)
    }
  }
  path.ancestors.pop()
}

function requirePlainMember(name: string | number, member: unknown, path: Path): void {
  path.names.push(name)
  requirePlain(member, path)
  path.names.pop()
}

function requirePlainObject(value: object, path: Path): void {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) refuse('an object of a class', path)
  if (Object.getOwnPropertySymbols(value).length > 0) refuse('a member named by a symbol', path)
}

function refuse(reason: string, { names }: Path): never {
  const pointer = names.map((name) => `/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
  throw new NotCanonicalizable(reason, pointer)
}
