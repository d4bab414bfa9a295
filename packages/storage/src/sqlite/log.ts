/** Reports the progress of long work. */
export type Log = (message: string, fields: Record<string, unknown>) => void
