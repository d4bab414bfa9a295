// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

/// @title ECDSA over P-256 by precompile (EIP-7951)
library P256 {
    /// @notice The precompile could not run: too little gas was left for it.
    error P256Failed();

    /// @notice Whether (r, s) signs `digest` under the public key (x, y); false on a chain without the precompile.
    /// @dev Both halves of the range of `s` are taken, as in JOSE: a signature is no unique name for what it signs.
    function isSignature(bytes32 digest, bytes32 r, bytes32 s, bytes32 x, bytes32 y) internal view returns (bool) {
        // A bad signature and a missing precompile both succeed with no answer; only a lack of gas fails, and that
        // must not read as "bad signature".
        (bool ran, bytes memory answer) = address(0x100).staticcall(abi.encode(digest, r, s, x, y));
        if (!ran) revert P256Failed();
        return answer.length == 32 && uint256(bytes32(answer)) == 1;
    }
}
