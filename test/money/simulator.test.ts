import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import type { WorkerReport, WorkerTask } from './simulate-worker.ts'

// MONEY_SEED=17 runs one marketplace again; MONEY_RUNS=50000 runs more, MONEY_LENGTH=100 longer ones, MONEY_STATS=1
// tells what happened in them. A failing seed fails again: races, crashes and times are drawn from it too.
const { MONEY_SEED: only, MONEY_RUNS: runs, MONEY_LENGTH: length, MONEY_STATS: stats } = process.env
const enough = 2000

async function run(task: WorkerTask): Promise<WorkerReport> {
  const worker = new Worker(new URL('simulate-worker.ts', import.meta.url), { workerData: task })
  const [report] = (await once(worker, 'message')) as [WorkerReport]
  return report
}

test(`no money is made or lost in ${only ? `marketplace ${only}` : `${runs ?? enough} marketplaces`}`, async () => {
  const [first, last] = only === undefined ? [1, Number(runs ?? enough)] : [Number(only), Number(only)]
  const step = Math.min(availableParallelism(), 8, last - first + 1)
  const reports = await Promise.all(
    Array.from({ length: step }, (_, place) =>
      run({ first: first + place, last, step, length: Number(length ?? 12) }),
    ),
  )
  if (stats) console.log(tallied(reports))
  expect(reports.flatMap(({ failures }) => failures).join('\n\n')).toBe('')
  expect(reports.reduce((sum, report) => sum + report.runs, 0)).toBe(last - first + 1)
}, 3_600_000)

function tallied(reports: readonly WorkerReport[]): string {
  const total = new Map<string, number>()
  for (const [what, count] of reports.flatMap(({ tally }) => [...tally]))
    total.set(what, (total.get(what) ?? 0) + count)
  const rows = [...total].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return rows.map(([what, count]) => `${count} ${what}`).join('\n')
}
