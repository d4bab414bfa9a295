import { spawn } from 'node:child_process'
import { expect, test } from 'vitest'
import { createLifecycle } from './lifecycle.ts'
import { createLog } from './log.ts'

const log = createLog({ name: 'test', level: 'silent' })

test('the last started stops first, one after the other, and an error stops no other', async () => {
  const order: string[] = []
  const lifecycle = createLifecycle({ log, timeoutMs: 1000 })
  lifecycle.onStop('store', () => order.push('store'))
  lifecycle.onStop('loop', () => Promise.reject(new Error('no')))
  lifecycle.onStop('server', async () => {
    expect(lifecycle.signal.aborted).toBe(true)
    await new Promise((resolve) => setTimeout(resolve, 5))
    order.push('server')
  })
  const first = lifecycle.stop('test')
  expect(lifecycle.stop('again')).toBe(first)
  expect(await first).toBe(false)
  expect(order).toEqual(['server', 'store'])
})

test('what does not end in time is given up', async () => {
  const lifecycle = createLifecycle({ log, timeoutMs: 20 })
  lifecycle.onStop('stuck', () => new Promise(() => {}))
  expect(await lifecycle.stop('test')).toBe(false)
})

const script = `
  import { createLifecycle } from '${import.meta.dirname}/lifecycle.ts'
  import { createLog } from '${import.meta.dirname}/log.ts'
  const lifecycle = createLifecycle({ log: createLog({ name: 'x', level: 'silent' }), timeoutMs: 60_000 })
  const timer = setInterval(() => {}, 1000)
  lifecycle.onStop('part', () => { process.stdout.write('stopping'); return process.argv[1] === 'stuck' ? new Promise(() => {}) : undefined })
  lifecycle.handleSignals()
  process.stdout.write('ready')
`

async function run(how: string, onOutput: (text: string, kill: () => void) => void): Promise<number | null> {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script, how])
  child.stdout.on('data', (data) => onOutput(String(data), () => child.kill('SIGTERM')))
  return new Promise((resolve) => child.on('exit', resolve))
}

test('SIGTERM stops all parts and exits with 0', async () => {
  expect(await run('well', (text, kill) => text.includes('ready') && kill())).toBe(0)
})

test('a second signal exits at once', async () => {
  expect(await run('stuck', (_text, kill) => kill())).toBe(1)
})
