import { existsSync, statfsSync } from 'node:fs'
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
// Jobs read the indexes of all tenants, so each marketplace would cost more than the one before in a database that fills.
const perDatabase = 96
const mostFailures = 3
// Nothing here tests that data survives the machine, so memory does where there is a disk of it that is large enough for
// eight workers.
const memory = '/dev/shm'
const enoughBytes = 2 ** 30

async function runAll({ first, last, step, length }: WorkerTask): Promise<WorkerReport> {
  const report: WorkerReport = { runs: 0, failures: [], tally: new Map() }
  const seeds = Array.from(
    { length: Math.floor((last - first) / step) + 1 },
    (_, turn) => first + turn * step,
  )
  if (existsSync(memory) && freeBytes(memory) > enoughBytes) process.env['TMPDIR'] = memory
  for (let from = 0; from < seeds.length && report.failures.length < mostFailures; from += perDatabase)
    await runSome(seeds.slice(from, from + perDatabase), length, report)
  return report
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

/** Runs marketplaces of some seeds in a database of their own. */
async function runSome(seeds: readonly number[], length: number, report: WorkerReport): Promise<void> {
  const database = await testDatabase()
  const options = { name: 'money', collections: [...billingCollections, answeredRequests] }
  const stores = [await openStore(database.url, options), await openStore(database.url, options)] as const
  const left = seeds.values()
  const lane = async (): Promise<void> => {
    for (const seed of left) {
      if (report.failures.length >= mostFailures) return
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
}

parentPort?.postMessage(await runAll(workerData as WorkerTask))
