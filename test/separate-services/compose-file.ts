import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'

const service = z.looseObject({
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  volumes: z.array(z.string()).default([]),
  depends_on: z.union([z.array(z.string()), z.record(z.string(), z.unknown())]).optional(),
})
const composeFile = z.object({
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.unknown()),
})

/** docker-compose.yml with its aliases and merges resolved. */
export function readComposeFile(): z.infer<typeof composeFile> {
  const text = readFileSync(new URL('../../docker-compose.yml', import.meta.url), 'utf8')
  return composeFile.parse(parse(text, { merge: true }))
}
