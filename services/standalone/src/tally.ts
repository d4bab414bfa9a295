#!/usr/bin/env node
import { commands, exitStatus, tally } from '@tallystick/evidence/tally'
import { operatorCommands } from './operator-commands.ts'

process.stdout.on('error', () => process.exit(exitStatus.notVerified))
process.exitCode = await tally(process.argv.slice(2), undefined, { ...commands, ...operatorCommands })
