/** The least severity that is logged, from LOG_LEVEL; `quietly` unless told. */
export function readLogLevel(quietly: string, env: NodeJS.ProcessEnv = process.env): string {
  return env['LOG_LEVEL'] ?? quietly
}
