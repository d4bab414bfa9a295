import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { auditConfig, auditLinks } from '@tallystick/audit'
import { billingConfig, billingLinks } from '@tallystick/billing'
import { identityConfig, identityLinks } from '@tallystick/identity'
import { licensingConfig, licensingLinks } from '@tallystick/licensing'
import { loadConfig } from '@tallystick/runtime'
import { expect, test } from 'vitest'
import { readCaddyfile } from './caddyfile.ts'
import { readComposeFile } from './compose-file.ts'
import { repository } from './service-process.ts'

const { services, volumes } = readComposeFile()
const schemas = {
  identity: identityConfig.extend(identityLinks.shape),
  licensing: licensingConfig.extend(licensingLinks.shape),
  billing: billingConfig.extend(billingLinks.shape),
  audit: auditConfig.extend(auditLinks.shape),
  'audit-2': auditConfig.extend(auditLinks.shape),
}
/** Every service of ours in docker-compose.yml with the schema of its configuration. */
const ours = Object.entries(schemas).map(([name, schema]) => {
  const { command = [], environment = {}, volumes: mounted = [] } = services[name] ?? {}
  return { name, schema, command, environment, mounted }
})

test('docker-compose.yml gives each service what it needs, and no variable that it does not know', () => {
  for (const { name, schema, environment } of ours) {
    const unknown = Object.keys(environment).filter((variable) => !(variable in schema.shape))
    expect([name, unknown]).toEqual([name, []])
    expect(loadConfig(schema, environment)).toMatchObject({ PORT: 8080, HOST: '0.0.0.0', MODE: 'test' })
  }
})

test('what docker-compose.yml runs and mounts is there', () => {
  for (const { name, command, environment, mounted } of ours) {
    const [program, script = ''] = command
    expect([name, program, existsSync(join(repository, script))]).toEqual([name, 'node', true])
    const places = mounted.map((volume) => volume.split(':'))
    for (const [from = ''] of places)
      expect([from, from.startsWith('.') ? existsSync(join(repository, from)) : from in volumes]).toEqual([
        from,
        true,
      ])
    const files = Object.values(environment).filter((value) => value.startsWith('/'))
    for (const file of files)
      expect([file, places.some(([, to = '']) => `${file}/`.startsWith(`${to}/`))]).toEqual([file, true])
    expect(environment['PUBLIC_URL']).toBe('http://localhost:8787')
  }
  expect(services['proxy']?.volumes).toEqual(['./deploy/Caddyfile:/etc/caddy/Caddyfile:ro'])
})

test('services name each other by the hosts of docker-compose.yml', () => {
  for (const { environment } of ours) {
    const urls = Object.entries(environment).filter(([variable]) =>
      /^(IDENTITY|AUDIT|LICENSING|BILLING)_URL$/.test(variable),
    )
    for (const [variable, url] of urls)
      expect([variable, url]).toEqual([variable, `http://${variable.replace('_URL', '').toLowerCase()}:8080`])
  }
  const routes = ['/v1/accounts', '/v1/licenses', '/v1/invoices', '/v1/audit'].map(readCaddyfile())
  expect(routes).toEqual([
    { hosts: ['identity:8080'] },
    { hosts: ['licensing:8080'] },
    { hosts: ['billing:8080'] },
    { hosts: ['audit:8080', 'audit-2:8080'] },
  ])
})

test('nothing that is for the operator alone is reached through the proxy', () => {
  const routeOf = readCaddyfile()
  const inner = ['/metrics', '/livez', '/readyz', '/docs', '/v1/openapi.json', '/services/audit/metrics', '/']
  for (const path of inner) expect([path, routeOf(path)]).toEqual([path, { status: 404 }])
})
