import { STATUS_CODES } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { errorTable, Fault } from '@tallystick/protocol'
import { systemEntropy } from './entropy.ts'
import { describeFault } from './problem.ts'

const { newId } = systemEntropy()

/** What a request that cannot be read to its end is refused with; undefined where nobody is left to be told. */
export function connectionFault(error: Error & { code?: string }): Fault | undefined {
  const { code = '' } = error
  if (code === 'ECONNRESET' || code === 'EPIPE') return undefined
  if (code === 'HPE_HEADER_OVERFLOW') return new Fault('headers_too_large', { cause: error })
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return new Fault('payload_too_large', { cause: error })
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Fault('request_timeout', { cause: error })
  return new Fault('bad_request', { detail: `The request is not valid HTTP (${code})`, cause: error })
}

/**
 * Answers with a problem document what comes on a connection and is no request, and closes it. The answers to the
 * requests before it go first: out of order, they would be taken for each other's.
 */
export function refuseConnection(socket: Duplex, fault: Fault | undefined, docsUrl: string): void {
  // Node's own name for the answer that is being written; while one is, later ones wait.
  const answering = Reflect.get(socket, '_httpMessage') as ServerResponse | null | undefined
  if (answering?.req.complete === true && !answering.closed && !socket.destroyed) {
    answering.once('close', () => setImmediate(refuseConnection, socket, fault, docsUrl))
    return
  }
  if (!fault || !socket.writable || answering?.headersSent === true) {
    socket.destroy()
    return
  }
  const { status } = errorTable[fault.code]
  const requestId = newId('request')
  const body = JSON.stringify(describeFault(fault, { docsUrl, instance: '', requestId }))
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Date: ${new Date().toUTCString()}`,
    `Request-Id: ${requestId}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  // Whoever sent this may never close its end.
  setTimeout(() => socket.destroy(), lingerMs).unref()
}

const lingerMs = 5000
