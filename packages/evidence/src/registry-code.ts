/**
 * Keccak-256 of the code of AnchorRegistry as `tally anchor deploy` puts it on a chain. A contract with this code refuses
 * a head that does not continue the last one; of any other, nothing shows that it does.
 */
export const registryCodeHash = '0x5a0271b4743c7920bbd80f8fce2905d825724517438376825f6f1216a56acaae'
