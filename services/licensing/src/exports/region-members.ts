const eu = 'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK'.split(' ')

const unions: Readonly<Record<string, readonly string[]>> = { EU: eu, EEA: [...eu, 'IS', 'LI', 'NO'] }

/** The countries that `regions` stand for, each once: `EU` and `EEA` become their members. */
export function regionMembers(regions: readonly string[]): string[] {
  return [...new Set(regions.flatMap((region) => unions[region] ?? [region]))]
}
