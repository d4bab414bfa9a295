import { licenseStatus } from '@tallystick/protocol'
import type { LicenseStatus } from '@tallystick/protocol'
import { expect, test } from 'vitest'
import { judgeAction, licenseTransitions } from './license-state.ts'
import type { LicenseAction, LicenseSide } from './license-state.ts'

const sides: LicenseSide[] = ['operator', 'creator', 'buyer', 'clock']

// Written out once more, by status, so that a slip in the table has to be made twice.
const possible: Record<LicenseStatus, Partial<Record<LicenseAction, string>>> = {
  draft: {
    offer: 'operator creator → offered',
    revoke: 'operator creator → revoked',
    update: 'operator creator → draft',
    annotate: 'operator creator → draft',
  },
  offered: {
    accept: 'operator buyer → accepted',
    expire: 'clock → expired',
    revoke: 'operator creator → revoked',
    terminate: 'operator creator buyer → terminated',
    annotate: 'operator creator → offered',
  },
  accepted: {
    activate: 'clock → active',
    expire: 'clock → expired',
    revoke: 'operator creator → revoked',
    terminate: 'operator creator buyer → terminated',
    supersede: 'clock → superseded',
    amend: 'operator creator → accepted',
    annotate: 'operator creator → accepted',
  },
  active: {
    expire: 'clock → expired',
    revoke: 'operator creator → revoked',
    terminate: 'operator creator buyer → terminated',
    supersede: 'clock → superseded',
    amend: 'operator creator → active',
    annotate: 'operator creator → active',
  },
  expired: { annotate: 'operator creator → expired' },
  revoked: { annotate: 'operator creator → revoked' },
  terminated: { annotate: 'operator creator → terminated' },
  superseded: { annotate: 'operator creator → superseded' },
}

const actions = Object.keys(licenseTransitions) as LicenseAction[]
const cases = licenseStatus.options.flatMap((status) =>
  actions.flatMap((action) => sides.map((side) => ({ status, action, side }))),
)

test.each(cases)('$action by the $side from $status', ({ status, action, side }) => {
  const verdict = judgeAction(action, status, side)
  const [who = '', to] = possible[status][action]?.split(' → ') ?? []
  const allowed = who.split(' ').includes(side)
  expect(verdict.possible).toBe(allowed)
  if (verdict.possible) expect(verdict.status).toBe(to)
})

test('nothing leads out of a final status', () => {
  for (const status of ['expired', 'revoked', 'terminated', 'superseded'] as const) {
    for (const action of actions) {
      for (const side of sides) {
        const verdict = judgeAction(action, status, side)
        if (verdict.possible) expect(verdict.status).toBe(status)
      }
    }
  }
})

test('who may never do it is told so whatever the status is', () => {
  expect(judgeAction('offer', 'active', 'buyer')).toEqual({ possible: false, refused: 'side' })
  expect(judgeAction('offer', 'active', 'creator')).toEqual({ possible: false, refused: 'status' })
})
