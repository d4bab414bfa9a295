import { writeFileSync } from 'node:fs'
import { errorTable } from '@tallystick/protocol'

/** docs/errors.md: one section for each error code, so that the `type` of a problem links to it. */
export function errorsPage(): string {
  const sections = Object.entries(errorTable).map(
    ([code, { status, title, fix }]) => `## ${code}\n${status}. ${title}. ${fix}\n`,
  )
  return `# Errors\n\nEvery refusal is \`application/problem+json\` (RFC 9457) with one of these codes. Made by \`node tooling/errors-page.ts\`.\n\n${sections.join('\n')}`
}

if (import.meta.main) writeFileSync(new URL('../docs/errors.md', import.meta.url), errorsPage())
