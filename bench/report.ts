import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { formatValue } from './measure.ts'
import type { Measure } from './measure.ts'

/** Where a run was made, and how busy the machine was before it. */
export interface Machine {
  date: string
  node: string
  cores: number
  processor: string
  memoryGib: number
  /** One-minute load average before and after the run: above the number of cores, others were at work. */
  load: { before: number; after: number }
}

/** The machine as it is; `before` is the load average when the run began. */
export function machineNow(before: number): Machine {
  return {
    date: new Date().toISOString(),
    node: process.version,
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    memoryGib: Math.round(totalmem() / 2 ** 30),
    load: { before: Number(before.toFixed(1)), after: Number((loadavg()[0] ?? 0).toFixed(1)) },
  }
}

/** Writes `results/NAME.json` and `.md`. */
export function writeResults(name: string, machine: Machine, measures: readonly Measure[]): void {
  const folder = new URL('results/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  writeFileSync(new URL(`${name}.json`, folder), `${JSON.stringify({ machine, measures }, null, 2)}\n`)
  writeFileSync(new URL(`${name}.md`, folder), markdown(name, machine, measures))
}

function markdown(name: string, machine: Machine, measures: readonly Measure[]): string {
  const { date, node, cores, processor, memoryGib, load } = machine
  const rows = measures.map(
    (measure) =>
      `| ${measure.group} | ${measure.name} | ${formatValue(measure.value)} ${measure.unit} | ${ratioText(measure)} | ${measure.note ?? ''} |`,
  )
  return [
    `# npm run bench -- ${name}`,
    '',
    `${date.slice(0, 10)}, Node ${node}, ${cores} cores (${processor}), ${memoryGib} GiB; load average ${load.before} before the run and ${load.after} after it. Load generator and service share the cores.`,
    '',
    '| part | what | figure | beside | notes |',
    '| --- | --- | ---: | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}

/** The ratio and whether it is the goal. */
export function ratioText({ ratio, against, goal }: Measure): string {
  if (ratio === undefined) return ''
  const verdict = goal === undefined ? '' : `; goal ${goal}: ${ratio >= goal ? 'met' : 'missed'}`
  return `${ratio.toFixed(2)} × ${against}${verdict}`
}
