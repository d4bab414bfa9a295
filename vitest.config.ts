import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './tooling/longest-first.ts'
import { TestProgress } from './tooling/test-progress.ts'

// The default `module` condition breaks @opentelemetry/api under Node; name Node's own conditions instead.
const conditions = ['node', 'development|production']

// The workers and the many processes that tests start load the same modules: what one compiled, the next need not.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/compiled')

// As Node resolves it, apart from the seed.
const seeded = {
  find: /^fast-check$/,
  replacement: join(import.meta.dirname, 'tooling/seeded-fast-check.ts'),
}

const { TEST_PROGRESS: progress } = process.env

export default defineConfig({
  resolve: { conditions, alias: [seeded] },
  ssr: { resolve: { conditions } },
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'services/*/src/**/*.test.ts',
      'contracts/*.test.ts',
      'test/**/*.test.ts',
      'tooling/**/*.test.ts',
    ],
    // Limits for what hangs, which no slow machine reaches.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    pool: 'forks',
    // By default a core is kept free, which on a machine of two leaves one file at a time.
    maxWorkers: '100%',
    sequence: { sequencer: LongestFirst },
    reporters: ['default', ...(progress ? [new TestProgress(progress)] : [])],
  },
})
