/** The fields of one CSV record (RFC 4180) without its line end; undefined for quotes where none may stand. */
export function readCsvRow(text: string): string[] | undefined {
  const fields: string[] = []
  let at = 0
  for (;;) {
    const field = text[at] === '"' ? quotedField(text, at) : plainField(text, at)
    if (!field) return undefined
    fields.push(field.value)
    if (field.end === text.length) return fields
    if (text[field.end] !== ',') return undefined
    at = field.end + 1
  }
}

interface Field {
  value: string
  /** Where the field's comma stands, or the end of the text. */
  end: number
}

function plainField(text: string, start: number): Field | undefined {
  const comma = text.indexOf(',', start)
  const end = comma < 0 ? text.length : comma
  const value = text.slice(start, end)
  return value.includes('"') ? undefined : { value, end }
}

function quotedField(text: string, start: number): Field | undefined {
  let value = ''
  for (let at = start + 1; ;) {
    const quote = text.indexOf('"', at)
    if (quote < 0) return undefined
    value += text.slice(at, quote)
    if (text[quote + 1] !== '"') return { value, end: quote + 1 }
    value += '"'
    at = quote + 2
  }
}
