import { openBilling } from './due-market.ts'
import { runBilling } from './run-billing.ts'

// A billing run in a process of its own, which a test kills at some moment.
const [url = '', until = '', batch = ''] = process.argv.slice(2)
const deps = await openBilling(url)
process.send?.('begins')
await runBilling(deps, { until: new Date(until), batch: Number(batch) })
await deps.store.close()
process.send?.('done')
process.disconnect?.()
