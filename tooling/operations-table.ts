import { readFileSync, writeFileSync } from 'node:fs'
import { auditConfig } from '@tallystick/audit'
import { configTable } from '@tallystick/runtime'

const start = '<!-- variables: made by node tooling/operations-table.ts -->\n'
const end = '<!-- end of variables -->'
const page = new URL('../docs/operations.md', import.meta.url)

/** docs/operations.md with its table of variables made anew from the configuration schema. */
export function operationsPage(): string {
  const text = readFileSync(page, 'utf8')
  const before = text.slice(0, text.indexOf(start) + start.length)
  return `${before}${configTable(auditConfig)}${text.slice(text.indexOf(end))}`
}

if (import.meta.main) writeFileSync(page, operationsPage())
