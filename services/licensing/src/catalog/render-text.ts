import type { FieldError } from '@tallystick/protocol'

/** A template's text, read: literal parts, and the names of variables between them. */
export type TextPart = { literal: string } | { variable: string }

/** What became of reading or rendering a text. */
export type TextResult<T> = { valid: true; value: T } | { valid: false; errors: FieldError[] }

const placeholder = /\{\{ *([A-Za-z_][A-Za-z0-9_.]{0,63}) *\}\}/y

/**
 * Reads a template's text: `{{name}}` is a variable, all else is literal. Every `{{` must begin a variable, so that a
 * mistyped one is found when the text is published and not when somebody signs it.
 */
export function parseText(text: string): TextResult<TextPart[]> {
  const parts: TextPart[] = []
  let at = 0
  for (;;) {
    const open = text.indexOf('{{', at)
    if (open > at || (open < 0 && at < text.length)) {
      parts.push({ literal: text.slice(at, open < 0 ? undefined : open) })
    }
    if (open < 0) return { valid: true, value: parts }
    placeholder.lastIndex = open
    const [whole, variable] = placeholder.exec(text) ?? []
    if (whole === undefined || variable === undefined)
      return { valid: false, errors: [malformed(text, open)] }
    parts.push({ variable })
    at = open + whole.length
  }
}

function malformed(text: string, at: number): FieldError {
  const line = text.slice(0, at).split('\n').length
  return {
    pointer: '/text',
    message: `has "{{" in line ${line} that begins no variable`,
    fix: 'Write variables as {{name}}: a letter or _, then letters, digits, _ and dots, 64 at most.',
  }
}

/** The names of the variables in `parts`, each once, in the order of their first use. */
export function variablesOf(parts: readonly TextPart[]): string[] {
  return [...new Set(parts.flatMap((part) => ('variable' in part ? [part.variable] : [])))]
}

/**
 * Puts `values` in place of the variables, once: what a value holds is never read as a variable again, so a party
 * cannot smuggle terms in by its name. Missing and unknown variables are refused, with pointers below `/variables`.
 */
export function renderText(
  parts: readonly TextPart[],
  values: Readonly<Record<string, string>>,
): TextResult<string> {
  const known = new Set(variablesOf(parts))
  const errors: FieldError[] = []
  for (const name of known) {
    if (!Object.hasOwn(values, name))
      errors.push({
        pointer: pointerTo(name),
        message: 'is missing; the text uses it',
        fix: 'Give it a value.',
      })
  }
  for (const name of Object.keys(values)) {
    if (!known.has(name))
      errors.push({ pointer: pointerTo(name), message: 'is no variable of the text', fix: 'Remove it.' })
  }
  if (errors.length > 0) return { valid: false, errors: errors.slice(0, 50) }
  const rendered = parts.map((part) => ('literal' in part ? part.literal : (values[part.variable] ?? '')))
  return { valid: true, value: rendered.join('') }
}

function pointerTo(name: string): string {
  return `/variables/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
}
