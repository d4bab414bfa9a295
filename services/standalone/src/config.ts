/** The least severity that is logged, from LOG_LEVEL; `quietly` unless told. */
export function readLogLevel(quietly: string, env: NodeJS.ProcessEnv = process.env): string {
  return env['LOG_LEVEL'] ?? quietly
}

/** The operator's key to use at the first start in place of a new one, from TALLYSTICK_OPERATOR_KEY. */
export function readOperatorKey(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return env['TALLYSTICK_OPERATOR_KEY'] || undefined
}

/** Variables that hold for the server of each service alike. */
export type ServerVariables = Readonly<Partial<Record<'RATE_PLANS' | 'TRUST_PROXY' | 'BODY_SECONDS', string>>>

/** RATE_PLANS, TRUST_PROXY and BODY_SECONDS as they stand in the environment; each service checks them. */
export function readServerVariables(env: NodeJS.ProcessEnv = process.env): ServerVariables {
  const { RATE_PLANS: plans, TRUST_PROXY: proxies, BODY_SECONDS: body } = env
  return {
    ...(plans && { RATE_PLANS: plans }),
    ...(proxies && { TRUST_PROXY: proxies }),
    ...(body && { BODY_SECONDS: body }),
  }
}

/** Whether npm runs this process as one of its scripts. */
export function readStartedByNpm(env: NodeJS.ProcessEnv = process.env): boolean {
  return env['npm_lifecycle_event'] !== undefined
}
