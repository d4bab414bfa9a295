import type { Deps } from '../deps.ts'
import { testClocks } from './collections.ts'

/** The time that holds for a customer: its test clock's where it has one, else the real time. */
export async function timeOf(
  { store, now }: Pick<Deps, 'store' | 'now'>,
  customer: { clock?: string | undefined },
): Promise<Date> {
  if (customer.clock === undefined) return now()
  const clock = await store.get(testClocks, customer.clock)
  return clock?.now ?? now()
}
