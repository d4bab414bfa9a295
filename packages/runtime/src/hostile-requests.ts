import { problemDocument } from './problem.ts'

/** A request that no route may take; see hostileRequests. */
export interface HostileRequest {
  /** What is wrong with it. */
  name: string
  body: string | Uint8Array
  /** In place of `application/json`; null sends none. */
  contentType?: string | null
  /** The statuses of which one must answer. */
  statuses: readonly number[]
  /** The codes of which one must stand in the problem document. */
  codes: readonly string[]
}

type Fields = Readonly<Record<string, unknown>>

const json = (value: unknown) => JSON.stringify(value)
const syntax = { statuses: [400], codes: ['invalid_json'] }
const fields = { statuses: [400], codes: ['validation_failed'] }
const media = { statuses: [415], codes: ['unsupported_media_type'] }

/**
 * Requests that any JSON route must refuse with a clear problem document, changing nothing: broken bodies, and for
 * each field of `good` (a body that the route would take) values that are not what it takes.
 */
export function hostileRequests(good: Fields): HostileRequest[] {
  return [...brokenBodies(good), ...strangeFields(good), ...otherContent(good), ...wrongValues(good)]
}

/**
 * Sends each hostile request to a route and gives what is wrong with the answers, one line each: another status or
 * code than the table allows, or no problem document. An empty list is what a test wants; that nothing was changed is
 * for the test itself to see.
 */
export async function tryHostileRequests(route: {
  url: string
  key?: string
  method?: string
  good: Fields
}): Promise<string[]> {
  const complaints: string[] = []
  for (const hostile of hostileRequests(route.good)) {
    const { name, body, contentType = 'application/json', statuses, codes } = hostile
    const response = await fetch(route.url, {
      method: route.method ?? 'POST',
      // As bytes: a string would bring a content type of its own.
      body: Buffer.from(body),
      headers: {
        ...(contentType !== null && { 'content-type': contentType }),
        ...(route.key !== undefined && { authorization: `Bearer ${route.key}` }),
        'idempotency-key': crypto.randomUUID(),
      },
    })
    const text = await response.text()
    const problem = problemDocument.safeParse(parsed(text))
    const { status } = response
    const good = statuses.includes(status) && problem.success && codes.includes(problem.data.code)
    const clear =
      problem.success && (problem.data.code !== 'validation_failed' || problem.data.errors?.length)
    if (!good || !clear) complaints.push(`${name}: ${status} ${text.slice(0, 300)}`)
  }
  return complaints
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function brokenBodies(good: Fields): HostileRequest[] {
  const text = json(good)
  const open = text.slice(0, -1)
  const comma = Object.keys(good).length > 0 ? ',' : ''
  const withMember = (member: string) => `${open}${comma}${member}}`
  const bytes = (hex: string) => Buffer.concat([Buffer.from(open), Buffer.from(hex, 'hex'), Buffer.from('}')])
  const bodies: [name: string, body: string | Uint8Array][] = [
    ['an empty body', ''],
    ['blanks alone', ' \n '],
    ['half a body', text.slice(0, -1)],
    ['something behind the body', `${text}{}`],
    ['a trailing comma', `${open},}`],
    ['single quotes', "{'a':1}"],
    ['a name without quotes', '{a:1}'],
    ['a comment', `/* hello */${text}`],
    ['NaN', withMember('"zz":NaN')],
    ['Infinity', withMember('"zz":-Infinity')],
    ['undefined', withMember('"zz":undefined')],
    ['a leading zero', withMember('"zz":012')],
    ['a leading plus', withMember('"zz":+1')],
    ['a hexadecimal number', withMember('"zz":0x10')],
    ['a dot without digits', withMember('"zz":1.')],
    ['a control character in a string', withMember('"zz":"a\u0001b"')],
    ['a line break in a string', withMember('"zz":"a\nb"')],
    ['an unknown escape', withMember('"zz":"\\x41"')],
    ['half an escape', withMember('"zz":"\\u12"')],
    ['a lone high surrogate', withMember('"zz":"\\ud800"')],
    ['a lone low surrogate', withMember('"zz":"\\udc00"')],
    ['surrogates the wrong way round', withMember('"zz":"\\udc00\\ud800"')],
    ['a lone surrogate as a name', withMember('"\\ud800":1')],
    ['a byte order mark', `\ufeff${text}`],
    ['a lone continuation byte', bytes('80')],
    ['an overlong slash', bytes('22c0af22')],
    ['a surrogate in UTF-8', bytes('22eda08022')],
    ['a byte that UTF-8 never has', bytes('22ff22')],
    ['a code point beyond Unicode', bytes('22f490808022')],
    ['a cut multibyte character', bytes('22e282')],
    ['UTF-16', Buffer.from(text, 'utf16le')],
    ['a member twice', withMember('"zz":1,"zz":2')],
    ['a member twice behind an escape', withMember('"zz":1,"\\u007az":2')],
    ['__proto__', withMember('"__proto__":{"admin":true}')],
    ['__proto__ behind escapes', withMember('"\\u005f\\u005fproto\\u005f\\u005f":{}')],
    ['__proto__ deep inside', withMember('"zz":[{"a":{"__proto__":null}}]')],
    ['33 levels of arrays', withMember(`"zz":${'['.repeat(33)}${']'.repeat(33)}`)],
    ['100,000 levels of arrays', withMember(`"zz":${'['.repeat(100_000)}`)],
    ['10,000 levels of objects', withMember(`"zz":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`)],
    ['1e400', withMember('"zz":1e400')],
    ['-1e400', withMember('"zz":-1e400')],
    ['1e-400', withMember('"zz":1e-400')],
    ['2^53 + 1', withMember('"zz":9007199254740993')],
    ['a number of a thousand digits', withMember(`"zz":${'9'.repeat(1000)}`)],
    ['more digits than a double has', withMember('"zz":0.12345678901234567890')],
  ]
  return bodies.map(([name, body]) => ({ name, body, ...syntax }))
}

function strangeFields(good: Fields): HostileRequest[] {
  const wholes: [string, string][] = [
    ['null', 'null'],
    ['true', 'true'],
    ['a number', '7'],
    ['a string', '"text"'],
    ['an empty array', '[]'],
    ['the body in an array', json([good])],
  ]
  const names = [
    'zz',
    '',
    '$where',
    '$gt',
    '$set',
    'a.b',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
  ]
  const more = [
    'valueOf',
    'length',
    'then',
    'toJSON',
    'id ',
    'ID',
    'а',
    '0',
    '../..',
    "'; DROP TABLE x; --",
    '\u0000',
  ]
  return [
    ...wholes.map(([name, body]) => ({ name: `${name} as the body`, body, ...fields })),
    ...[...names, ...more].map((field) => ({
      name: `the unknown field ${json(field)}`,
      body: json({ ...good, [field]: { $ne: null } }),
      ...fields,
    })),
  ]
}

function otherContent(good: Fields): HostileRequest[] {
  const types = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']
  const more = ['application/xml', 'application/octet-stream', 'application/jsonp', 'nonsense']
  const huge = `{"zz":"${'x'.repeat(16 * 1024 * 1024)}"}`
  return [
    ...[...types, ...more].map((contentType) => ({
      name: `the content type ${contentType}`,
      body: json(good),
      contentType,
      ...media,
    })),
    { name: 'no content type', body: Buffer.from(json(good)), contentType: null, ...media },
    { name: 'a body of 16 MiB', body: huge, statuses: [413], codes: ['payload_too_large'] },
  ]
}

const wrongFor: Record<string, readonly [what: string, value: unknown][]> = {
  string: [
    ['an operator', { $ne: null }],
    ['an object', {}],
    ['an object that plays a string', { toString: 'x', length: 1 }],
    ['an array', ['x']],
    ['a number', 7],
    ['true', true],
    ['100,000 characters', 'x'.repeat(100_000)],
  ],
  number: [
    ['an operator', { $gt: 0 }],
    ['a string', '7'],
    ['an array', [7]],
    ['false', false],
    ['10^300', 1e300],
  ],
  boolean: [
    ['a string', 'false'],
    ['zero', 0],
    ['an object', {}],
    ['an array', [true]],
  ],
  object: [
    ['a string', 'x'],
    ['a number', 1],
    ['an array', [{}]],
    ['an operator', { $where: 'sleep(1000)' }],
  ],
  array: [
    ['an object', { 0: 'x', length: 1 }],
    ['a string', 'x'],
    ['a number', 1],
    ['20,001 elements that are none', Array.from({ length: 20_001 }, () => ({ $x: 1 }))],
  ],
}

const instant = /^\d{4}-\d\d-\d\dT/
const wrongDates = [
  'yesterday',
  '',
  '2026-01-18',
  '2026-02-30T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-01-01T24:61:00Z',
  '2026-01-01T00:00:00',
  '+275761-01-01T00:00:00Z',
  '2026-01-01T00:00:00Z\u0000',
].map((text): [string, string] => [`the date ${json(text)}`, text])

function wrongValues(good: Fields): HostileRequest[] {
  return Object.entries(good).flatMap(([field, value]) => {
    const kind = Array.isArray(value) ? 'array' : typeof value
    const dates = typeof value === 'string' && instant.test(value) ? wrongDates : []
    return [...(wrongFor[kind] ?? []), ...dates].map(([what, wrong]) => ({
      name: `${what} as ${field}`,
      body: json({ ...good, [field]: wrong }),
      ...fields,
    }))
  })
}
