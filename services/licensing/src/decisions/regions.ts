const europeanUnion: readonly string[] =
  'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK'.split(' ')

const groups: ReadonlyMap<string, readonly string[]> = new Map([
  ['EU', europeanUnion],
  ['EEA', [...europeanUnion, 'IS', 'LI', 'NO']],
])

/** The countries of `region`: the members of EU and EEA, or the country itself. */
export function countriesOf(region: string): readonly string[] {
  return groups.get(region) ?? [region]
}

/** Whether `regions` hold all of `region`. */
export function reachesAll(regions: readonly string[], region: string): boolean {
  return countriesOf(region).every((country) => holds(regions, country))
}

/** Whether `regions` hold any part of `region`. */
export function reachesAny(regions: readonly string[], region: string): boolean {
  return countriesOf(region).some((country) => holds(regions, country))
}

function holds(regions: readonly string[], country: string): boolean {
  return regions.some((region) => region === country || groups.get(region)?.includes(country) === true)
}
