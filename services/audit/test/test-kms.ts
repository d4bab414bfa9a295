import { afterAll, afterEach, beforeEach, expect, vi } from 'vitest'
import { startKmsServer } from './kms-server.ts'
import type { KmsServer } from './kms-server.ts'

/**
 * The stand-in for AWS KMS of one test file, which asks for it outside its tests. The environment of each test leads to
 * it, faults end with the test that set them, and the file fails if it sent what KMS would not take.
 */
export async function testKms(): Promise<KmsServer> {
  const server = await startKmsServer()
  beforeEach(() => {
    for (const [name, value] of Object.entries(server.env)) vi.stubEnv(name, value)
  })
  afterEach(() => {
    server.fail(undefined)
    vi.unstubAllEnvs()
  })
  afterAll(async () => {
    await server.close()
    expect(server.violations).toEqual([])
  })
  return server
}
