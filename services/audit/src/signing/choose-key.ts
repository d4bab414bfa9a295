import type { SigningKey } from '@tallystick/receipt'

/**
 * The key that signs at `iat` (Unix seconds): of those whose time `[nbf, exp)` covers it, the one that began last, so a
 * successor takes over at its `nbf` and nothing restarts. Undefined when no key covers it.
 */
export function chooseKey<Key extends Pick<SigningKey, 'nbf' | 'exp'>>(
  keys: readonly Key[],
  iat: number,
): Key | undefined {
  let chosen: Key | undefined
  for (const key of keys) {
    const covers = (key.nbf ?? 0) <= iat && iat < (key.exp ?? Number.POSITIVE_INFINITY)
    if (covers && (chosen === undefined || (key.nbf ?? 0) > (chosen.nbf ?? 0))) chosen = key
  }
  return chosen
}
