/** The least severity that is logged, from LOG_LEVEL; `quietly` unless told. */
export function readLogLevel(quietly: string, env: NodeJS.ProcessEnv = process.env): string {
  return env['LOG_LEVEL'] ?? quietly
}

/** The operator's key to use at the first start in place of a new one, from TALLYSTICK_OPERATOR_KEY. */
export function readOperatorKey(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return env['TALLYSTICK_OPERATOR_KEY'] || undefined
}
