import { idSchema, pageInput, reference, timestamp } from '@tallystick/protocol'
import { z } from 'zod'

/** `POST /v1/test-clocks`. */
export const clockInput = z.strictObject({
  name: reference,
  /** The time that it shows at first. */
  now: timestamp,
})
export type ClockInput = z.infer<typeof clockInput>

const clock_id = idSchema('testClock')

/** `POST /v1/test-clocks/{clock_id}/advance`. */
export const advanceInput = z.strictObject({
  clock_id,
  /** Forwards only, and at most two years at once. */
  to: timestamp,
})
export type AdvanceInput = z.infer<typeof advanceInput>

export const clockIdInput = z.strictObject({ clock_id })
export const listInput = z.strictObject(pageInput)

export const clockView = z
  .strictObject({
    object: z.literal('test_clock'),
    id: clock_id,
    livemode: z.literal(false),
    name: z.string(),
    now: timestamp,
    /** While `advancing`, things that are due before `target` still happen. */
    status: z.enum(['ready', 'advancing']),
    target: timestamp.optional(),
    created_at: timestamp,
  })
  .meta({ id: 'TestClock' })
