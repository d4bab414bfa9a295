import { Fault } from '@tallystick/protocol'
import { auditEvent } from '@tallystick/runtime'
import type { Caller, Plan } from '@tallystick/runtime'
import { insert, replace } from '@tallystick/storage'
import type { Stored } from '@tallystick/storage'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import type { AdvanceInput, ClockInput, clockView } from './clock-schemas.ts'
import type { TestClock } from './clock-work.ts'
import { testClocks } from './collections.ts'

const mostMs = 2 * 366 * 86_400_000

/** A new test clock; customers follow it from their creation on. Throws Fault `invalid_state` in live mode. */
export async function createClock(
  deps: Deps,
  { tenant, account }: Caller,
  { name, now }: ClockInput,
): Promise<Plan<z.infer<typeof clockView>>> {
  if (deps.livemode) throw new Fault('invalid_state', { detail: 'Test clocks exist in test mode only' })
  const at = deps.now()
  const clock: TestClock = {
    id: deps.newId('testClock'),
    tenant,
    name,
    now: new Date(now),
    status: 'ready',
    movedAt: at,
    createdAt: at,
  }
  const record = {
    kind: 'test_clock.created',
    actor: account,
    licenses: [],
    items: [],
    data: { clock: clock.id },
  }
  const event = auditEvent({ id: deps.newId('event'), tenant, at, record })
  return { writes: [insert(testClocks, clock), event], answer: viewClock(clock) }
}

/**
 * Sends a clock on its way. Asked again for the same target it goes on, so a request that was cut off can be repeated.
 * Throws Fault `invalid_state` for the past, for more than two years, and while it is under way to elsewhere.
 */
export async function beginAdvance(
  deps: Deps,
  { tenant }: Pick<Caller, 'tenant'>,
  { clock_id, to }: AdvanceInput,
): Promise<void> {
  const target = new Date(to)
  await deps.store.attempt(async () => {
    const { version, ...clock } = await findClock(deps, tenant, clock_id)
    if (clock.status === 'advancing' && clock.target?.getTime() === target.getTime()) return
    if (clock.status === 'advancing') {
      const detail = `The clock is on its way to ${clock.target?.toISOString()}; wait until it is ready`
      throw new Fault('invalid_state', { detail })
    }
    if (target < clock.now || target.getTime() - clock.now.getTime() > mostMs) {
      const message = `must not be before ${clock.now.toISOString()}, nor two years after it`
      throw new Fault('validation_failed', { errors: [{ pointer: '/to', message }] })
    }
    const sent: TestClock = { ...clock, status: 'advancing', target, movedAt: deps.now() }
    await deps.store.commit([replace(testClocks, sent, version)])
  })
}

/** The test clock of the tenant, or Fault `not_found`. */
export async function findClock(
  { store }: Pick<Deps, 'store'>,
  tenant: string,
  id: string,
): Promise<Stored<TestClock>> {
  const clock = await store.get(testClocks, id)
  if (clock?.tenant !== tenant) throw new Fault('not_found')
  return clock
}

/** A test clock as the API tells it. */
export function viewClock({
  id,
  name,
  now,
  status,
  target,
  createdAt,
}: TestClock): z.infer<typeof clockView> {
  return {
    object: 'test_clock',
    id,
    livemode: false,
    name,
    now: now.toISOString(),
    status,
    ...(target && { target: target.toISOString() }),
    created_at: createdAt.toISOString(),
  }
}
