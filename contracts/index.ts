export { anchorRegistryAbi, anchorRegistryBytecode } from './artifacts/anchor-registry.ts'
