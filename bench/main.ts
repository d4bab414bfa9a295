// npm run bench -- audit [--full] [--entries 10000,100000] [--seconds 3] [--receipts 10000]; storage alone: -- storage; -- decisions; -- usage [--full]
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { benchAudit } from './audit.ts'
import { measureBillingRun } from './billing-run.ts'
import { benchDecisions } from './decisions.ts'
import { formatValue, Measures } from './measure.ts'
import { machineNow, ratioText, writeResults } from './report.ts'
import { benchStorage } from './storage.ts'
import { benchMetering } from './usage.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    full: { type: 'boolean', default: false },
    entries: { type: 'string' },
    receipts: { type: 'string' },
    seconds: { type: 'string', default: '3' },
  },
})
const [name = 'audit'] = positionals
const names = ['audit', 'storage', 'decisions', 'usage']
if (!names.includes(name)) {
  console.error(`there is no benchmark ${name}; there are: ${names.join(', ')}`)
  process.exit(2)
}
const sizes = (values.entries ?? (values.full ? '10000,100000,1000000' : '10000,100000'))
  .split(',')
  .map(Number)
const receipts = Number(values.receipts ?? (values.full ? 100_000 : 10_000))
const seconds = Number(values.seconds)
if (![...sizes, receipts, seconds].every((value) => value > 0) || receipts % 1000 > 0) {
  console.error('--entries, --receipts (in thousands) and --seconds are positive numbers')
  process.exit(2)
}

const before = loadavg()[0] ?? 0
// After each figure, so that a run that is broken off leaves what it measured.
const measures = new Measures((all) => writeResults(name, machineNow(before), all))
if (name === 'decisions') await benchDecisions(measures, seconds)
else if (name === 'usage') {
  await benchMetering(measures, { events: values.full ? 1_000_000 : 100_000, seconds })
  await measureBillingRun(measures, { subscriptions: 10_000 })
} else await benchStorage(measures, { documents: receipts, seconds, mongoUrl: process.env['MONGODB_URI'] })
if (name === 'audit') await benchAudit(measures, { sizes, receipts, seconds })
const machine = machineNow(before)
console.table(
  measures.all.map((measure) => ({
    part: measure.group,
    what: measure.name,
    figure: `${formatValue(measure.value)} ${measure.unit}`,
    beside: ratioText(measure),
  })),
)
console.log(
  `load average ${machine.load.before} before, ${machine.load.after} after, on ${machine.cores} cores`,
)
