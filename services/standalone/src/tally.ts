#!/usr/bin/env node
import { commands, exitStatus, tally } from '@tallystick/evidence/tally'

process.stdout.on('error', () => process.exit(exitStatus.notVerified))
const args = process.argv.slice(2)
// Whoever verifies does not wait until the services are loaded.
const known = Object.hasOwn(commands, args[0] ?? '')
const operators = known ? {} : (await import('./operator-commands.ts')).operatorCommands
process.exitCode = await tally(args, undefined, { ...commands, ...operators })
