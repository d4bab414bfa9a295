// A Fastify server that does nothing, as a process of its own.
import { fastify } from 'fastify'

const server = fastify()
server.get('/', () => ({ status: 'ok' }))
const url = await server.listen({ host: '127.0.0.1', port: 0 })
process.on('disconnect', () => void server.close())
process.send?.({ url })
