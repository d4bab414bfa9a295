import { parentPort } from 'node:worker_threads'
import type { InvoiceDocument } from './invoice-document.ts'
import { renderPdf } from './render-pdf.ts'

/** An invoice to be rendered. */
export interface RenderJob {
  id: number
  document: InvoiceDocument
}

/** What became of a job. */
export type RenderAnswer = { id: number; pdf: Uint8Array } | { id: number; error: unknown }

parentPort?.on('message', (job: RenderJob) => void work(job))

async function work({ id, document }: RenderJob): Promise<void> {
  try {
    answer({ id, pdf: await renderPdf(document) })
  } catch (error) {
    answer({ id, error })
  }
}

function answer(message: RenderAnswer): void {
  parentPort?.postMessage(message)
}
