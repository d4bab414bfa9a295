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
 * Parses JSON from a stranger (RFC 8259). Throws Fault `invalid_json` for bad syntax, nesting beyond 32 levels,
 * duplicate members, members named `__proto__`, and lone surrogates.
 */
export function parseBody(text: string): unknown {
  // Scanned before the parse, which would recurse as deep as the sender likes.
  const written = countMembers(text)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new Fault('invalid_json', { detail: position(cause), cause })
  }
  // JSON.parse keeps the last of several members of one name; another reader may keep the first.
  if (keptMembers(value, text.includes('\\u')) < written) {
    throw new Fault('invalid_json', { detail: 'An object has two members of the same name' })
  }
  return value
}

/** How many members the objects in a JSON text have in all. Throws Fault `invalid_json` for deep nesting. */
function countMembers(text: string): number {
  let depth = 0
  let members = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === quote) index = endOfString(text, index)
    else if (code === colon) members++
    else if (code === openBrace || code === openBracket) {
      if (++depth > maxDepth) {
        throw new Fault('invalid_json', { detail: `The body nests more than ${maxDepth} levels` })
      }
    } else if (code === closeBrace || code === closeBracket) depth--
  }
  return members
}

const [quote, backslash, colon] = [0x22, 0x5c, 0x3a]
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d]

/** The place of the quote that ends the string begun at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end > 0) {
    let escapes = 0
    while (text.charCodeAt(end - 1 - escapes) === backslash) escapes++
    if (escapes % 2 === 0) return end
    end = text.indexOf('"', end + 1)
  }
  return text.length
}

/** How many members a parsed value has in all; refuses what must not come in. */
function keptMembers(value: unknown, mayHaveSurrogates: boolean): number {
  if (typeof value === 'string') {
    if (mayHaveSurrogates) refuseLoneSurrogate(value)
    return 0
  }
  if (typeof value !== 'object' || value === null) return 0
  let members = 0
  if (Array.isArray(value)) {
    for (const element of value) members += keptMembers(element, mayHaveSurrogates)
    return members
  }
  for (const [name, member] of Object.entries(value)) {
    // As an own member it is harmless here, but a copy of the object by assignment would change its prototype.
    if (name === '__proto__') throw new Fault('invalid_json', { detail: 'A member is named __proto__' })
    if (mayHaveSurrogates) refuseLoneSurrogate(name)
    members += 1 + keptMembers(member, mayHaveSurrogates)
  }
  return members
}

function refuseLoneSurrogate(text: string): void {
  // Such a string has no UTF-8 form, so it could be neither signed nor stored as it came.
  if (!text.isWellFormed()) throw new Fault('invalid_json', { detail: 'A string has a lone surrogate' })
}

function position(cause: unknown): string {
  const place = cause instanceof Error ? /position \d+( \(line \d+ column \d+\))?/.exec(cause.message) : null
  return place ? `The body is not valid JSON at ${place[0]}` : 'The body is not valid JSON'
}
