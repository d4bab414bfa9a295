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
 * duplicate members, members named `__proto__`, lone surrogates, and numbers that a double cannot hold.
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

/**
 * How many members the objects in a JSON text have in all. Throws Fault `invalid_json` for deep nesting and for numbers
 * that a parse would change.
 */
function countMembers(text: string): number {
  let depth = 0
  let members = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === quote) index = endOfString(text, index)
    else if (code >= zero && code <= nine) index = endOfNumber(text, index) - 1
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
const [zero, nine, lowerE, upperE, dot, plus, minus] = [0x30, 0x39, 0x65, 0x45, 0x2e, 0x2b, 0x2d]
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d]

// Fewer characters than these cannot say more than a double holds, unless by an exponent.
const safeLength = 15

/** The place behind the number whose first digit is at `start`. Throws Fault where a double cannot hold it. */
function endOfNumber(text: string, start: number): number {
  let end = start
  let exponent = false
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end)
    if (code === lowerE || code === upperE) exponent = true
    else if (!((code >= zero && code <= nine) || code === dot || code === plus || code === minus)) break
  }
  if (end - start > safeLength || exponent) refuseRounding(text.slice(start, end))
  return end
}

const longestNumber = 64

/** JSON.parse rounds silently: 9007199254740993 would be taken for another amount, 1e400 for infinity. */
function refuseRounding(written: string): void {
  // Bounded first: a megabyte of digits must not be searched again and again.
  const value = written.length > longestNumber ? Infinity : Number(written)
  // What is no number at all is the parser's to refuse.
  if (Number.isNaN(value)) return
  if (Number.isFinite(value) && plainForm(written) === plainForm(String(value))) return
  const shown = written.length > 40 ? `${written.slice(0, 40)}…` : written
  throw new Fault('invalid_json', {
    detail: `The number ${shown} cannot be read exactly; send numbers within ±(2^53 − 1), others as strings`,
  })
}

/** What a number without sign says: its digits without zeros around them, and the power of ten of the last one. */
function plainForm(number: string): string {
  const [digits = '', power = '0'] = number.toLowerCase().split('e')
  const [whole = '', fraction = ''] = digits.split('.')
  const significant = (whole + fraction).replace(/^0+/, '')
  const short = significant.replace(/0+$/, '')
  if (short === '') return '0'
  return `${short}e${Number(power) - fraction.length + significant.length - short.length}`
}

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
