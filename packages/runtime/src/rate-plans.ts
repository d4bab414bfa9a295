import { readFileSync } from 'node:fs'
import { planName } from '@tallystick/protocol'
import { z } from 'zod'

const ratePlan = z.strictObject({
  requests: z.int().min(1).max(1e9),
  windowSeconds: z.int().min(1).max(86_400),
  burst: z.int().min(1).max(1e9),
})
const ratePlans = z.record(planName, ratePlan.nullable())

/** A limit: `requests` in any `windowSeconds` in the long run, and `burst` of them at once. */
export type RatePlan = Readonly<z.infer<typeof ratePlan>>

/** Limits by the name of their plan; `null` is no limit. Keys of an unknown plan fall under `standard`. */
export type RatePlans = Readonly<Record<string, RatePlan | null>>

/** The plans that a server has unless told otherwise; `public` counts by address what is asked without a key. */
export const defaultRatePlans = {
  standard: { requests: 60_000, windowSeconds: 60, burst: 60_000 },
  unlimited: null,
  public: { requests: 600_000, windowSeconds: 60, burst: 600_000 },
} satisfies RatePlans

/** The plan of requests without a key, which no account can have. */
export const publicPlan = 'public'

/**
 * Rate plans as the configuration tells them: JSON that begins with a brace, else the path of a file with such JSON.
 * They stand beside the default plans, or in their place where the names are the same.
 */
export const ratePlansText = z.string().transform((text, context): RatePlans => {
  try {
    const json = /^\s*\{/.test(text) ? text : readFileSync(text, 'utf8')
    return { ...defaultRatePlans, ...ratePlans.parse(JSON.parse(json)) }
  } catch (error) {
    context.addIssue({ code: 'custom', message: complaint(error) })
    return z.NEVER
  }
})

function complaint(error: unknown): string {
  if (error instanceof z.ZodError) {
    const issues = error.issues.map(({ path, message }) => `/${path.join('/')} ${message}`)
    return `does not tell rate plans: ${issues.join('; ')}`
  }
  if (error instanceof SyntaxError) return 'is not valid JSON'
  return 'is neither JSON that begins with a brace nor a file that can be read'
}
