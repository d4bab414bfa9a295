import { expect, test } from 'vitest'
import { z } from 'zod'
import { commonConfig, ConfigError, configTable, loadConfig } from './config.ts'

const schema = z.object({
  ...commonConfig,
  CHAIN_KEY: z
    .string()
    .regex(/^0x[0-9a-f]{64}$/, 'must be 0x and 64 hex digits')
    .describe('Key that pays for anchors'),
})
const key = `0x${'a'.repeat(64)}`

test('defaults fill what is unset or empty, and other variables are ignored', () => {
  const config = loadConfig(schema, { CHAIN_KEY: key, PORT: '0', HOST: '', PATH: '/bin' })
  expect(config).toMatchObject({ PORT: 0, HOST: '127.0.0.1', DATABASE_URL: 'sqlite:./data', MODE: 'test' })
  expect(config).not.toHaveProperty('PATH')
})

test('the error names each variable, what is wrong and what it is for, but never its value', () => {
  const env = { CHAIN_KEY: 'hunter2', PORT: 'eighty', DATABASE_URL: 'mysql://x' }
  const attempt = () => loadConfig(schema, env)
  expect(attempt).toThrow(ConfigError)
  expect(attempt).toThrow(/CHAIN_KEY: must be 0x and 64 hex digits\. Key that pays for anchors\./)
  expect(attempt).toThrow(/PORT: .+Port to listen on/)
  expect(attempt).toThrow(/DATABASE_URL: must be sqlite:DIR/)
  expect(attempt).not.toThrow(/hunter2/)
  expect(() => loadConfig(schema, {})).toThrow(/CHAIN_KEY: is not set/)
})

test('the table has a line for each variable', () => {
  const lines = configTable(schema).trimEnd().split('\n')
  expect(lines).toHaveLength(2 + Object.keys(schema.shape).length)
  expect(lines).toContain('| `CHAIN_KEY` | required | Key that pays for anchors |')
  expect(lines).toContain('| `MODE` | `test` | Test and live never share data, keys or logs |')
  expect(() => configTable(z.object({ BARE: z.string() }))).toThrow('BARE has no description')
})
