/** Thrown by `parseStrictJson`; `offset` is in UTF-16 code units from the start of the text. */
export class StrictJsonError extends Error {
  override readonly name = 'StrictJsonError'
  readonly offset: number

  constructor(reason: string, offset: number) {
    super(`${reason} at offset ${offset}`)
    this.offset = offset
  }
}

/** Bounds for `parseStrictJson`: levels of nesting, and bytes of UTF-8. */
export interface StrictJsonLimits {
  maxDepth?: number
  maxBytes?: number
}

/**
 * Parses JSON (RFC 8259) under the I-JSON rules (RFC 7493), so that two readers cannot see two values in one text:
 * refuses duplicate members, lone surrogates, invalid UTF-8 and numbers that a double cannot carry. Refuses
 * `__proto__` too, and text beyond `maxDepth` levels (64) or `maxBytes` (1 MiB). Throws StrictJsonError.
 */
export function parseStrictJson(text: string | Uint8Array, limits: StrictJsonLimits = {}): unknown {
  const { maxDepth = 64, maxBytes = 1_048_576 } = limits
  const size = typeof text === 'string' ? Buffer.byteLength(text) : text.byteLength
  if (size > maxBytes) throw new StrictJsonError(`more than ${maxBytes} bytes`, 0)
  const reader = new Reader(typeof text === 'string' ? text : decodeUtf8(text), maxDepth)
  return reader.document()
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    // ignoreBOM keeps a byte order mark in the text, where the grammar then refuses it.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new StrictJsonError('invalid UTF-8', 0)
  }
}

const numberGrammar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const quote = 0x22
const backslash = 0x5c

class Reader {
  readonly #text: string
  readonly #maxDepth: number
  #at = 0
  #depth = 0

  constructor(text: string, maxDepth: number) {
    this.#text = text
    this.#maxDepth = maxDepth
  }

  document(): unknown {
    const value = this.#value()
    this.#space()
    if (this.#at < this.#text.length) this.#fail('unexpected text after the value')
    return value
  }

  #value(): unknown {
    this.#space()
    switch (this.#text[this.#at]) {
      case '{':
        return this.#nested(() => this.#object())
      case '[':
        return this.#nested(() => this.#array())
      case '"':
        return this.#string()
      case 't':
        return this.#literal('true', true)
      case 'f':
        return this.#literal('false', false)
      case 'n':
        return this.#literal('null', null)
      default:
        return this.#number()
    }
  }

  #nested<T>(read: () => T): T {
    if (this.#depth === this.#maxDepth) this.#fail(`more than ${this.#maxDepth} levels`)
    this.#depth++
    this.#at++
    const value = read()
    this.#depth--
    return value
  }

  #object(): Record<string, unknown> {
    const object: Record<string, unknown> = {}
    if (this.#accept('}')) return object
    do {
      this.#space()
      const start = this.#at
      if (this.#text.charCodeAt(start) !== quote) this.#fail('expected a member name')
      const name = this.#string()
      // An own `__proto__` turns into a prototype as soon as someone copies the object with an assignment.
      if (name === '__proto__') this.#fail('the member name __proto__ is refused', start)
      if (Object.hasOwn(object, name)) this.#fail(`duplicate member ${JSON.stringify(name)}`, start)
      if (!this.#accept(':')) this.#fail('expected a colon')
      object[name] = this.#value()
    } while (this.#accept(','))
    if (!this.#accept('}')) this.#fail('expected a comma or }')
    return object
  }

  #array(): unknown[] {
    const array: unknown[] = []
    if (this.#accept(']')) return array
    do array.push(this.#value())
    while (this.#accept(','))
    if (!this.#accept(']')) this.#fail('expected a comma or ]')
    return array
  }

  #string(): string {
    const start = this.#at
    let escaped = false
    for (let at = start + 1; at < this.#text.length; at++) {
      const code = this.#text.charCodeAt(at)
      if (code === quote) {
        this.#at = at + 1
        const value = escaped ? this.#unescape(start) : this.#text.slice(start + 1, at)
        if (!value.isWellFormed()) this.#fail('a lone surrogate', start)
        return value
      }
      if (code < 0x20) this.#fail('a control character in a string', at)
      if (code === backslash) {
        escaped = true
        at++
      }
    }
    return this.#fail('a string without end', start)
  }

  #unescape(start: number): string {
    try {
      return JSON.parse(this.#text.slice(start, this.#at)) as string
    } catch {
      return this.#fail('a bad escape', start)
    }
  }

  #number(): number {
    numberGrammar.lastIndex = this.#at
    const literal = numberGrammar.exec(this.#text)?.[0]
    if (literal === undefined) return this.#fail('expected a value')
    const value = Number(literal)
    const printed = String(value)
    // 9007199254740993 and 9007199254740992 are one double: whoever compares the text sees two values, we would see one.
    if (printed !== literal && decimalForm(printed) !== decimalForm(literal)) {
      this.#fail(`the number ${literal.slice(0, 40)} does not fit a double`)
    }
    this.#at += literal.length
    return value
  }

  #literal<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#fail('expected a value')
    this.#at += word.length
    return value
  }

  #accept(character: string): boolean {
    this.#space()
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
      this.#at++
    }
  }

  #fail(reason: string, offset = this.#at): never {
    throw new StrictJsonError(reason, offset)
  }
}

/** One text per exact decimal value: significant digits and exponent; Infinity has none of a literal's forms. */
function decimalForm(literal: string): string {
  const parts = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(literal)
  if (parts === null) return literal
  const fraction = parts[2] ?? ''
  const digits = `${parts[1]}${fraction}`.replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return '0'
  const exponent =
    BigInt(parts[3] ?? 0) - BigInt(fraction.length) + BigInt(digits.length - significant.length)
  return `${significant}e${exponent}`
}
