const parent = process.ppid
const lookEveryMs = 250

/**
 * Ends the process as a SIGTERM does when the shell that npm started it in is gone: a SIGTERM to npm reaches that shell
 * alone, and would leave the server behind. Does nothing when npm did not start it.
 */
export function endWithNpm(startedByNpm: boolean): void {
  if (!startedByNpm) return
  const looking = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(looking)
    process.kill(process.pid, 'SIGTERM')
  }, lookEveryMs)
  looking.unref()
}
