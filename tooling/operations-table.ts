import { readFileSync, writeFileSync } from 'node:fs'
import { auditConfig, auditLinks } from '@tallystick/audit'
import { billingConfig, billingLinks } from '@tallystick/billing'
import { identityConfig, identityLinks } from '@tallystick/identity'
import { licensingConfig, licensingLinks } from '@tallystick/licensing'
import { commonConfig, configTable } from '@tallystick/runtime'
import { z } from 'zod'

const start = '<!-- variables: made by node tooling/operations-table.ts -->\n'
const end = '<!-- end of variables -->'
const page = new URL('../docs/operations.md', import.meta.url)

const configs = {
  identity: { ...identityConfig.shape, ...identityLinks.shape },
  licensing: { ...licensingConfig.shape, ...licensingLinks.shape },
  billing: { ...billingConfig.shape, ...billingLinks.shape },
  audit: { ...auditConfig.shape, ...auditLinks.shape },
}

/** docs/operations.md with its tables of variables made anew from the configuration schemas. */
export function operationsPage(): string {
  const text = readFileSync(page, 'utf8')
  const before = text.slice(0, text.indexOf(start) + start.length)
  const tables = Object.entries(configs).map(([service, shape]) => {
    const own = Object.entries(shape).filter(([name]) => !(name in commonConfig))
    return `\nOf ${service} besides:\n\n${configTable(z.object(Object.fromEntries(own)))}`
  })
  return `${before}${configTable(z.object(commonConfig))}${tables.join('')}${text.slice(text.indexOf(end))}`
}

if (import.meta.main) writeFileSync(page, operationsPage())
