/** Who may import whom; docs/architecture.md gives the reasons. */
const pure = '^packages/(money|pricing|merkle|receipt|evidence)/src'
const test = '\\.test\\.ts$'
/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'protocol-imports-zod-only',
      severity: 'error',
      from: { path: '^packages/protocol/src', pathNot: test },
      to: { pathNot: '^packages/protocol/src|node_modules/zod/' },
    },
    {
      name: 'pure-packages-stay-pure',
      severity: 'error',
      from: { path: pure, pathNot: test },
      to: {
        path: 'node_modules/(mongoose|mongodb|fastify|@trpc|pino|viem)/|^packages/(runtime|storage|client)/',
      },
    },
    {
      name: 'packages-never-import-services',
      severity: 'error',
      from: { path: '^packages/(?!client/)' },
      to: { path: '^services/' },
    },
    {
      name: 'client-knows-services-by-type-only',
      severity: 'error',
      from: { path: '^packages/client/', pathNot: test },
      to: { path: '^services/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'storage-engines-stay-in-their-adapters',
      severity: 'error',
      from: { path: '^(packages|services)/', pathNot: ['^packages/storage/src/', test] },
      to: {
        path: 'node_modules/(mongoose|mongodb)/|^node:sqlite$|^sqlite$',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'mongoose-only-in-its-adapter',
      severity: 'error',
      from: { path: '^packages/storage/src/', pathNot: ['^packages/storage/src/mongoose/', test] },
      to: { path: 'node_modules/(mongoose|mongodb)/' },
    },
    {
      name: 'viem-stays-in-chain',
      severity: 'error',
      from: { path: '^(packages|services)/', pathNot: ['chain\\.ts$', test] },
      to: { path: 'node_modules/viem/' },
    },
    {
      name: 'aws-sdk-is-loaded-on-use',
      severity: 'error',
      from: { path: '^(packages|services)/' },
      to: { path: 'node_modules/@aws-sdk/', dynamic: false, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'services-meet-by-type-only',
      severity: 'error',
      from: { path: '^services/(?!standalone)([^/]+)/' },
      to: { path: '^services/(?!$1/)', dependencyTypesNot: ['type-only'] },
    },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['node', 'import', 'types', 'default'],
      extensions: ['.ts', '.js', '.mjs'],
    },
  },
}
