// In a longer text a short name would be found in half of all words.
const shortest = 4
const wordEnd = /[\p{L}\p{N}_]$/u
const wordBegin = /^[\p{L}\p{N}_]/u

/** Whether one of `names` stands anywhere in a value: as a string, as a member's name, or as a word within a text. */
export function mentions(value: unknown, names: readonly string[]): boolean {
  if (typeof value === 'string') return names.some((name) => placesIn(value, name).length > 0)
  if (Array.isArray(value)) return value.some((one) => mentions(one, names))
  if (!isPlain(value)) return false
  return Object.entries(value).some(([key, held]) => mentions(key, names) || mentions(held, names))
}

/** The value with `pseudonym` wherever one of `names` stood in it; all else is as it was. */
export function withoutNames<T>(value: T, names: readonly string[], pseudonym: string): T
export function withoutNames(value: unknown, names: readonly string[], pseudonym: string): unknown {
  if (typeof value === 'string')
    return names.reduce((text, name) => replaceName(text, name, pseudonym), value)
  if (Array.isArray(value)) return value.map((one: unknown) => withoutNames(one, names, pseudonym))
  if (!isPlain(value)) return value
  const members = Object.entries(value)
  return Object.fromEntries(
    members.map(([key, held]) => [withoutNames(key, names, pseudonym), withoutNames(held, names, pseudonym)]),
  )
}

function replaceName(text: string, name: string, by: string): string {
  let replaced = ''
  let from = 0
  for (const place of placesIn(text, name)) {
    replaced += text.slice(from, place) + by
    from = place + name.length
  }
  return replaced + text.slice(from)
}

/** Where a name stands in a text as a word of its own. No pattern is made of it: it is whatever somebody chose. */
function placesIn(text: string, name: string): number[] {
  if (text === name) return [0]
  const places: number[] = []
  if (name.length < shortest) return places
  for (let at = text.indexOf(name); at >= 0;) {
    const end = at + name.length
    const inWord =
      wordEnd.test(text.slice(Math.max(0, at - 2), at)) || wordBegin.test(text.slice(end, end + 2))
    if (!inWord) places.push(at)
    at = text.indexOf(name, inWord ? at + 1 : end)
  }
  return places
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const made = Object.getPrototypeOf(value) as unknown
  return made === Object.prototype || made === null
}
