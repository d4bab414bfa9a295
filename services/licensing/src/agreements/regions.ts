const split = (codes: string) => new Set(codes.trim().split(/\s+/))

/** The countries of ISO 3166-1 by alpha-2 code. */
export const countries: ReadonlySet<string> = split(`
  AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
  CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR
  GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT
  JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY
  MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM
  PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
  SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ
  TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW`)

const unionMembers = split('AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK')

/** Regions of several countries that a license may name. */
export const unions: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['EU', unionMembers],
  ['EEA', new Set([...unionMembers, 'IS', 'LI', 'NO'])],
])

/** Whether a license may name this region: a country, `EU` or `EEA`. */
export function isRegion(code: string): boolean {
  return countries.has(code) || unions.has(code)
}

/** The countries where a license holds: those of `allowed` (all when it is empty) without those of `excluded`. */
export function countriesOf(allowed: readonly string[], excluded: readonly string[]): ReadonlySet<string> {
  const within = allowed.length === 0 ? countries : membersOf(allowed)
  const without = membersOf(excluded)
  return new Set([...within].filter((country) => !without.has(country)))
}

function membersOf(codes: readonly string[]): ReadonlySet<string> {
  return new Set(codes.flatMap((code) => [...(unions.get(code) ?? [code])]))
}
