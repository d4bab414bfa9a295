import { z } from 'zod'

/** ISO 3166-1 alpha-2. */
export const country = z.string().regex(/^[A-Z]{2}$/, 'must be an ISO 3166-1 alpha-2 code such as DE')

/** A part of a country: its code of ISO 3166-2 without the country, then parts of it, such as a county or a city. */
export const region = z
  .string()
  .max(100)
  .regex(/^[A-Z0-9]{1,3}(?:\/[^/\p{Cc}\p{Cs}]+){0,3}$/u, 'must be such as QC, or CA/Alameda for a part of CA')
  .meta({ examples: ['QC'] })
