import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { commonConfig, ConfigError, loadConfig } from './config.ts'
import { defaultRatePlans } from './rate-plans.ts'
import { serverSettings } from './server-settings.ts'

const settings = (env: Record<string, string>) => serverSettings(loadConfig(z.object(commonConfig), env))
const small = { requests: 10, windowSeconds: 60, burst: 3 }

test('nobody is trusted and the default plans hold unless the environment says otherwise', () => {
  expect(settings({ PUBLIC_URL: 'https://api.example' })).toEqual({
    publicUrl: 'https://api.example',
    rateCopies: 1,
    bodyDeadline: { deadlineMs: 60_000 },
  })
})

test('plans come from JSON or from a file of it, beside the default ones and in their place', () => {
  const text = JSON.stringify({ small, standard: null })
  const plans = { ...defaultRatePlans, small, standard: null }
  expect(settings({ RATE_PLANS: text }).ratePlans).toEqual(plans)
  const folder = mkdtempSync(join(tmpdir(), 'rate-plans-'))
  const file = join(folder, 'plans.json')
  writeFileSync(file, text)
  expect(settings({ RATE_PLANS: file, RATE_COPIES: '3' })).toMatchObject({ ratePlans: plans, rateCopies: 3 })
  rmSync(folder, { recursive: true })
})

test.each([
  ['{', /RATE_PLANS: is not valid JSON/],
  ['/no/such/file', /RATE_PLANS: is neither JSON that begins with a brace nor a file that can be read/],
  ['{"small":{"requests":1}}', /\/small\/windowSeconds .*; \/small\/burst /],
  ['{"small":{"requests":0,"windowSeconds":60,"burst":1}}', /\/small\/requests /],
  ['{"small":{"requests":1.5,"windowSeconds":60,"burst":1}}', /\/small\/requests /],
  ['{"small":{"requests":"9","windowSeconds":60,"burst":1}}', /\/small\/requests /],
  ['{"small":{"requests":9,"windowSeconds":60,"burst":1,"bursts":2}}', /\/small .*bursts/],
  ['{"Small Plan":null}', /\/Small Plan /],
  ['{"small":false}', /\/small /],
])('plans such as %s are refused, and the error says where', (text, message) => {
  expect(() => settings({ RATE_PLANS: text })).toThrow(ConfigError)
  expect(() => settings({ RATE_PLANS: text })).toThrow(message)
})

test('proxies are told by address, network or range', () => {
  const told = '10.0.0.0/8, 192.0.2.1,uniquelocal , fd00::/8,::1'
  expect(settings({ TRUST_PROXY: told }).trustProxy).toEqual([
    '10.0.0.0/8',
    '192.0.2.1',
    'uniquelocal',
    'fd00::/8',
    '::1',
  ])
})

test.each([
  'true',
  '1',
  '*',
  '0.0.0.0/0',
  '::/0',
  '10.0.0.0/33',
  '10.0.0/8',
  'proxy.example',
  '10.0.0.1,',
  ' ',
])('trusting %j is refused', (told) => {
  expect(() => settings({ TRUST_PROXY: told })).toThrow(/TRUST_PROXY: must be addresses/)
})
