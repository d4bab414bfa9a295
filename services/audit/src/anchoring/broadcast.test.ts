import { expect, test } from 'vitest'
import { refusalMeans } from './broadcast.ts'

test.each([
  ['already known', 'accepted'],
  ['transaction already imported', 'accepted'],
  ['Known transaction', 'accepted'],
  ['nonce too low: next nonce 5, tx nonce 3', 'nonce_used'],
  ['OldNonce', 'nonce_used'],
  ['Nonce too low', 'nonce_used'],
  ['insufficient funds for gas * price + value: balance 0, tx cost 5', 'insufficient_funds'],
  ['Upfront cost exceeds account balance', 'insufficient_funds'],
  ['replacement transaction underpriced', 'underpriced'],
  ['transaction underpriced: gas tip cap 1, minimum needed 1000000', 'underpriced'],
  ['max fee per gas less than block base fee: address 0x…', 'underpriced'],
  ['FeeTooLow, MaxFeePerGas too low', 'underpriced'],
  ['fee cap below the base fee: fee too low', 'underpriced'],
])('a node that says "%s" means %s', (message, result) => {
  expect(refusalMeans(message)).toEqual({ result })
})

test('what is not understood is told as it was said', () => {
  const message = 'sender is blocked'
  expect(refusalMeans(message)).toEqual({ result: 'rejected', message })
})
