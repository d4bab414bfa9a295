import { problemOf, readAnswer } from '@tallystick/runtime/test-http'
import { license as licenseSchema } from '@tallystick/protocol'
import type { LicenseStatus } from '@tallystick/protocol'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addDays } from './effective-period.ts'
import { startAgreementsWorld } from './agreements-world.ts'
import type { AgreementsWorld } from './agreements-world.ts'

let at: AgreementsWorld
beforeAll(async () => {
  at = await startAgreementsWorld()
})
afterAll(() => at.close())

type Who = 'operator' | 'creator' | 'buyer' | 'auditor' | 'otherBuyer' | 'stranger'

/** What an agreement is in the model: nothing but its status, whether its buyer has seen it, and when it ends. */
interface Model {
  status: LicenseStatus
  shown: boolean
  until: Date
}

const request = fc.record({
  action: fc.constantFrom('offer', 'accept', 'revoke', 'terminate', 'amend', 'metadata'),
  who: fc.constantFrom<Who[]>(
    'operator',
    'creator',
    'buyer',
    'operator',
    'creator',
    'buyer',
    'auditor',
    'otherBuyer',
    'stranger',
  ),
})
const pause = fc.record({ days: fc.integer({ min: 1, max: 20 }) })
const script = fc.record({
  draft: fc.boolean(),
  steps: fc.array(fc.oneof({ weight: 4, arbitrary: request }, { weight: 1, arbitrary: pause }), {
    maxLength: 10,
  }),
})

/** What the service must answer, and the model after it. */
function expected(model: Model, action: string, who: Who, now: Date): { answer: string; next: Model } {
  const { status, shown } = model
  const same = (answer: string) => ({ answer, next: model })
  const buyers = ['accept', 'terminate']
  const creators = ['offer', 'revoke', 'terminate', 'amend', 'metadata']
  if (who === 'auditor') return same('403 forbidden')
  if ((who === 'buyer' || who === 'otherBuyer') && !buyers.includes(action)) return same('403 forbidden')
  if (who === 'creator' && !creators.includes(action)) return same('403 forbidden')
  if (who === 'otherBuyer' || who === 'stranger') return same('404 license_not_found')
  if (who === 'buyer' && !shown) return same('404 license_not_found')
  const refused = same('409 invalid_state')
  switch (action) {
    case 'metadata':
      return same(`ok ${status}`)
    case 'amend':
      return status === 'active' ? same('ok offered') : refused
    case 'offer':
      return status === 'draft'
        ? { answer: 'ok offered', next: { ...model, status: 'offered', shown: true } }
        : refused
    case 'accept':
      return status === 'offered'
        ? { answer: 'ok active', next: { ...model, status: 'active', until: addDays(now, 30) } }
        : refused
    case 'revoke':
      return ['draft', 'offered', 'active'].includes(status)
        ? { answer: 'ok revoked', next: { ...model, status: 'revoked' } }
        : refused
    default:
      return ['offered', 'active'].includes(status)
        ? { answer: 'ok terminated', next: { ...model, status: 'terminated' } }
        : refused
  }
}

async function ask(id: string, action: string, who: Who): Promise<string> {
  const path = `/v1/licenses/${id}`
  const key = at.keys[who]
  const reasoned = ['revoke', 'terminate', 'amend'].includes(action) ? { reason: 'model' } : {}
  const answer =
    action === 'metadata'
      ? await at.post(path, key, { metadata: { model: 'yes' } })
      : await at.post(`${path}/${action}`, key, reasoned)
  if (answer.status < 300) return `ok ${readAnswer(licenseSchema, answer, answer.status).status}`
  const problem = problemOf(answer)
  return `${problem.status} ${problem.code}`
}

test('answers any order of requests by anyone as the model does', async () => {
  await fc.assert(
    fc.asyncProperty(script, async ({ draft, steps }) => {
      const { id } = await at.create({ draft, terms: { duration_days: 30 } })
      let model: Model = { status: draft ? 'draft' : 'offered', shown: !draft, until: new Date(8.64e15) }
      let amended = false
      for (const step of steps) {
        if ('days' in step) {
          at.setTime(addDays(at.now(), step.days).toISOString())
          await at.advance()
          if (model.status === 'active' && model.until <= at.now()) model = { ...model, status: 'expired' }
        } else {
          const { answer, next } = expected(model, step.action, step.who, at.now())
          const waits = step.action === 'amend' && answer === 'ok offered' && amended
          expect(await ask(id, step.action, step.who)).toBe(waits ? '409 invalid_state' : answer)
          amended ||= step.action === 'amend' && answer === 'ok offered'
          model = next
        }
        const seen = readAnswer(licenseSchema, await at.get(`/v1/licenses/${id}`, at.keys.auditor))
        expect(seen.status).toBe(model.status)
      }
    }),
    { numRuns: 25 },
  )
})
