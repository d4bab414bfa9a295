import { formatSecret } from '@tallystick/runtime'
import type { Plan } from '@tallystick/runtime'
import type { Deps } from './deps.ts'

/** Plans a change under a fresh secret, which the answer tells: the only time that it is told. */
export async function withSecret<T>(
  deps: Pick<Deps, 'mode' | 'random'>,
  plan: (secret: string) => Promise<Plan<T>>,
): Promise<Plan<T & { secret: string }>> {
  const secret = newSecret(deps)
  const { writes, answer } = await plan(secret)
  return { writes, answer: { ...answer, secret } }
}

/** The secret of a new API key of the service's mode. */
export function newSecret({ mode, random }: Pick<Deps, 'mode' | 'random'>): string {
  return formatSecret(mode, random(32))
}
