import { defineConfig } from 'vitest/config'

// The default `module` condition breaks @opentelemetry/api under Node; name Node's own conditions instead.
const conditions = ['node', 'development|production']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'services/*/src/**/*.test.ts',
      'contracts/*.test.ts',
      'test/**/*.test.ts',
      'tooling/**/*.test.ts',
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
  },
})
