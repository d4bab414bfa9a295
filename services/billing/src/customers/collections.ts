import { collection } from '@tallystick/storage'
import { z } from 'zod'

/** Who is billed: an account of the marketplace, or somebody whom only the marketplace knows. */
export const customers = collection('customers', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    /** The account's id, or the tenant's own name for the customer; usage events name it. */
    reference: z.string(),
    name: z.string(),
    email: z.string().optional(),
    /** ISO 4217; every invoice of the customer is in it. */
    currency: z.string(),
    /** IANA name; periods and days are counted in it. */
    timeZone: z.string(),
    /** ISO 3166-1 alpha-2, for taxes. */
    country: z.string().optional(),
    /** A part of the country, and after slashes parts of that: `QC`, `CA/Alameda`. */
    region: z.string().optional(),
    taxId: z.string().optional(),
    taxTreatment: z.enum(['taxable', 'exempt', 'reverse_charge']),
    paymentMethod: z
      .strictObject({ provider: z.string(), token: z.string(), brand: z.string(), last4: z.string() })
      .optional(),
    /** The test clock whose time holds for this customer. */
    clock: z.string().optional(),
    /** Since when a payment is overdue. */
    delinquentSince: z.date().optional(),
    suspended: z.boolean(),
    /** The plans whose trial it was given. */
    trials: z.array(z.string()).optional(),
    metadata: z.record(z.string(), z.string()),
    createdAt: z.date(),
  }),
  partition: 'tenant',
  indexes: {
    byTenant: ['tenant', 'createdAt'],
    byReference: { keys: ['tenant', 'reference'], unique: true },
    byClock: { keys: ['tenant', 'clock', 'createdAt'], where: { clock: { exists: true } } },
  },
})
