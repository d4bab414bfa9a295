import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { z } from 'zod'
import type { Probe } from './probe.ts'

const vocabulary = new Set(['all', 'ai-all', 'ai-train', 'ai-input', 'ai-index', 'search'])
const list = z.array(z.strictObject({ '@type': z.enum(['usage', 'geo']), '#text': z.string() })).optional()
const document = z.strictObject({
  rsl: z.strictObject({
    '@xmlns': z.literal('https://rslstandard.org/rsl'),
    '@max-age': z.string().regex(/^[1-9][0-9]*$/),
    content: z
      .array(
        z.strictObject({
          '@url': z.url(),
          '@server': z.url().optional(),
          '@lastmod': z.iso.datetime(),
          license: z.strictObject({
            permits: list,
            prohibits: list,
            payment: z.strictObject({
              '@type': z.enum(['purchase', 'subscription', 'training', 'crawl', 'use', 'free']),
              custom: z.url(),
              amount: z.strictObject({ '@currency': z.string(), '#text': z.string() }).optional(),
            }),
          }),
          terms: z.url(),
        }),
      )
      .min(1),
  }),
})

/** What a strict client of RSL 1.0 lets happen that fetched the document at `fetched`. */
export function rslReader(xml: string, fetched: Date): (probe: Probe) => boolean {
  if (XMLValidator.validate(xml) !== true) throw new Error('not well-formed')
  const parser = new XMLParser({
    attributeNamePrefix: '@',
    ignoreAttributes: false,
    parseTagValue: false,
    ignoreDeclaration: true,
    isArray: (name) => ['content', 'permits', 'prohibits'].includes(name),
  })
  const { rsl } = document.parse(parser.parse(xml))
  return (probe) =>
    rsl.content.every((content) => contentPermits(content, { fetched, days: Number(rsl['@max-age']) }, probe))
}

type Content = z.infer<typeof document>['rsl']['content'][number]

function contentPermits(
  content: Content,
  { fetched, days }: { fetched: Date; days: number },
  { purpose, region, at, buyer }: Probe,
): boolean {
  if (at < fetched || at.getTime() > fetched.getTime() + days * 86_400_000) return false
  if (content['@server'] !== undefined && !buyer) return false
  const { permits, prohibits } = content.license
  const wanted = { train: ['ai-train'], fine_tune: ['ai-train'], inference: ['ai-input'] } as Record<
    string,
    string[]
  >
  // Either token lets content be retrieved; nothing but the widest tokens covers what RSL does not name.
  const uses = purpose === 'retrieval' ? ['ai-input', 'ai-index'] : (wanted[purpose] ?? [])
  const permitted = tokensOf(permits, 'usage')
  const prohibited = tokensOf(prohibits, 'usage') ?? []
  for (const token of [...(permitted ?? []), ...prohibited])
    if (!vocabulary.has(token)) throw new Error(`${token} is not in the vocabulary`)
  if (prohibited.includes('all') || prohibited.includes('ai-all')) return false
  const open = uses.filter((use) => !prohibited.includes(use))
  const wide = permitted === undefined || permitted.includes('all') || permitted.includes('ai-all')
  if (!wide && !open.some((use) => permitted.includes(use))) return false
  const within = tokensOf(permits, 'geo')
  const without = tokensOf(prohibits, 'geo') ?? []
  if (region === undefined) return within === undefined && without.length === 0
  return !without.includes(region) && (within === undefined || within.includes(region))
}

function tokensOf(rules: Content['license']['permits'], type: string): string[] | undefined {
  const found = (rules ?? []).filter((rule) => rule['@type'] === type)
  if (found.length > 1) throw new Error(`more than one rule for ${type}`)
  return found[0]?.['#text'].split(' ')
}
