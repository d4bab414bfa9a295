import { readFileSync, readlinkSync } from 'node:fs'

const unknown = '-'

/**
 * A name for this process by which others on the machine can tell whether it still runs: boot, process namespace,
 * process id and start time, so that neither a reboot nor a reused id deceives.
 */
export function processOwner(): string {
  return `${machine()} ${process.pid} ${startTime(process.pid) ?? unknown}`
}

/** Whether `owner` has surely ended. Of a process on another machine, or where /proc is missing, nothing is sure. */
export function isDeadOwner(owner: string): boolean {
  const [where, pid, started] = owner.split(' ')
  if (where === unknown || where !== machine() || started === unknown) return false
  return startTime(Number(pid)) !== started
}

function machine(): string {
  return tried(() => {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot}/${readlinkSync('/proc/self/ns/pid')}`
  }, unknown)
}

/** In clock ticks since the boot; undefined for a process that has ended or waits to be reaped. */
function startTime(pid: number): string | undefined {
  return tried(() => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name of the program, in parentheses, may itself hold blanks and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  }, undefined)
}

function tried<T>(read: () => T, otherwise: T): T {
  try {
    return read()
  } catch {
    return otherwise
  }
}
