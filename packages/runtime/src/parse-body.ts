import { Fault } from '@tallystick/protocol'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const maxDepth = 32

/** The text of a request body. Throws Fault `invalid_json` for bytes that are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw new Fault('invalid_json', { detail: 'The body is not valid UTF-8', cause })
  }
}

/**
 * Parses JSON from a stranger (RFC 8259). Throws Fault `invalid_json` for bad syntax, nesting beyond 32 levels, lone
 * surrogates, and members named `__proto__`.
 */
export function parseBody(text: string): unknown {
  // Checked before the parse, which would recurse as deep as the sender likes.
  if (nestsTooDeep(text))
    throw new Fault('invalid_json', { detail: `The body nests more than ${maxDepth} levels` })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new Fault('invalid_json', { detail: position(cause), cause })
  }
  // Only text that spells one of these out needs the walk: a member name may hide behind \u escapes.
  if (/\\u|__proto__/.test(text)) refusePoison(value)
  return value
}

function nestsTooDeep(text: string): boolean {
  let depth = 0
  let inString = false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (inString) {
      if (code === 0x5c) index++
      else if (code === 0x22) inString = false
    } else if (code === 0x22) inString = true
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > maxDepth) return true
    } else if (code === 0x7d || code === 0x5d) depth--
  }
  return false
}

function refusePoison(value: unknown): void {
  if (typeof value === 'string') return refuseLoneSurrogate(value)
  if (typeof value !== 'object' || value === null) return
  for (const [key, member] of Object.entries(value)) {
    if (key === '__proto__') throw new Fault('invalid_json', { detail: 'A member is named __proto__' })
    refuseLoneSurrogate(key)
    refusePoison(member)
  }
}

function refuseLoneSurrogate(text: string): void {
  // Such a string has no UTF-8 form, so it could be neither signed nor stored as it came.
  if (!text.isWellFormed()) throw new Fault('invalid_json', { detail: 'A string has a lone surrogate' })
}

function position(cause: unknown): string {
  const place = cause instanceof Error ? /position \d+( \(line \d+ column \d+\))?/.exec(cause.message) : null
  return place ? `The body is not valid JSON at ${place[0]}` : 'The body is not valid JSON'
}
