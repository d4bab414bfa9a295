import { expect, test } from 'vitest'
import { formatSecret } from './api-key-secret.ts'
import { createLog } from './log.ts'

function capture(write: (log: ReturnType<typeof createLog>) => void): string {
  const lines: string[] = []
  write(createLog({ name: 'test' }, { write: (line) => void lines.push(line) }))
  return lines.join('')
}

test('an API key is cut out of messages, errors and fields', () => {
  const secret = formatSecret('live', new Uint8Array(32).fill(7))
  const text = capture((log) => {
    log.info({ note: secret }, `called with ${secret}`)
    log.error({ err: new Error(`bad key ${secret}`) })
    log.info({ headers: { 'x-other': `Bearer ${secret}` } })
  })
  expect(text).not.toContain(secret)
  expect(text).toContain('sk_live_')
})

test('fields with secret names are removed at each level that we log', () => {
  const text = capture((log) => {
    log.info({
      secret: 'hunter2',
      headers: { authorization: 'hunter2' },
      key: { jwk: { privateKey: 'hunter2' } },
    })
  })
  expect(text).not.toContain('hunter2')
})

test('a password in a URL is cut out', () => {
  const text = capture((log) => log.warn({ url: 'mongodb+srv://user:hunter2@host/db' }, 'no answer'))
  expect(text).not.toContain('hunter2')
  expect(text).toContain('user')
})

test('a line has time, level and service', () => {
  const line = JSON.parse(capture((log) => log.child({ request_id: 'req_1' }).info('hello')))
  expect(line).toMatchObject({ level: 'info', service: 'test', request_id: 'req_1', msg: 'hello' })
  expect(Date.parse(line.time)).toBeGreaterThan(0)
})
