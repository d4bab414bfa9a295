import { parentPort, workerData } from 'node:worker_threads'
import { openStore } from '@tallystick/storage'
import { testDatabase } from '@tallystick/storage/test-database'
import { billingCollections } from '../../services/billing/src/collections.ts'
import { answeredRequests } from './marketplace.ts'
import { simulate } from './simulate.ts'
import type { Tally } from './simulate.ts'

/** The seeds of a worker: `first`, and every `step`-th from there to `last`. */
export interface WorkerTask {
  first: number
  last: number
  step: number
  /** Steps of each marketplace. */
  length: number
}

/** What a worker found. */
export interface WorkerReport {
  runs: number
  failures: string[]
  tally: Tally
}

// Commits of marketplaces that run side by side share their way to the disk.
const sideBySide = 24
const mostFailures = 3

async function runAll({ first, last, step, length }: WorkerTask): Promise<WorkerReport> {
  const database = await testDatabase()
  const options = { name: 'money', collections: [...billingCollections, answeredRequests] }
  const stores = [await openStore(database.url, options), await openStore(database.url, options)] as const
  const report: WorkerReport = { runs: 0, failures: [], tally: new Map() }
  let next = first
  const lane = async (): Promise<void> => {
    while (next <= last && report.failures.length < mostFailures) {
      const seed = next
      next += step
      try {
        await simulate(seed, stores, { length, tally: report.tally })
        report.runs++
      } catch (error) {
        report.failures.push(error instanceof Error ? error.message : String(error))
      }
    }
  }
  await Promise.all(Array.from({ length: sideBySide }, lane))
  for (const store of stores) await store.close()
  await database.drop()
  return report
}

// oxlint-disable-next-line typescript/no-unsafe-argument -- what the test has sent
parentPort?.postMessage(await runAll(workerData))
