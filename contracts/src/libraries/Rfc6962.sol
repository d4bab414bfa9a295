// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

/// @title RFC 6962 Merkle proofs over SHA-256
/// @notice Pure checks of inclusion and consistency proofs, step for step as RFC 9162 sections 2.1.3.2 and 2.1.4.2
/// write them. A proof that is too short, too long or for other sizes never passes.
library Rfc6962 {
    /// @notice The SHA-256 precompile did not answer with a hash (too little gas was left for it).
    error Sha256Failed();

    /// @notice Whether `leafHash` is leaf number `index` of the tree of `size` leaves with this `root`.
    function isIncluded(uint256 index, uint256 size, bytes32 leafHash, bytes32 root, bytes32[] calldata proof)
        internal
        view
        returns (bool)
    {
        if (index >= size) return false;
        unchecked {
            uint256 node = index;
            uint256 last = size - 1;
            bytes32 hash = leafHash;
            for (uint256 i = 0; i < proof.length; ++i) {
                if (last == 0) return false;
                if (node & 1 == 1) {
                    hash = nodeHash(proof[i], hash);
                } else if (node == last) {
                    hash = nodeHash(proof[i], hash);
                    (node, last) = skipMissingSiblings(node, last);
                } else {
                    hash = nodeHash(hash, proof[i]);
                }
                node >>= 1;
                last >>= 1;
            }
            return last == 0 && hash == root;
        }
    }

    /// @notice Whether the tree (`to`, `toRoot`) begins with all leaves of the tree (`from`, `fromRoot`), unchanged.
    /// @dev For 0 < from < to only: an empty or an equal tree needs no proof, and the caller decides what it means.
    function isConsistent(uint256 from, uint256 to, bytes32 fromRoot, bytes32 toRoot, bytes32[] calldata proof)
        internal
        view
        returns (bool)
    {
        if (from == 0 || from >= to) return false;
        unchecked {
            uint256 node = from - 1;
            uint256 last = to - 1;
            while (node & 1 == 1) {
                node >>= 1;
                last >>= 1;
            }
            // The proof starts at the largest full subtree that ends the older tree. When that is the older tree
            // itself (`from` is a power of two, so no bits of `node` are left), its root is not sent again.
            uint256 next = node == 0 ? 0 : 1;
            if (next == 1 && proof.length == 0) return false;
            bytes32 older = next == 0 ? fromRoot : proof[0];
            bytes32 newer = older;
            for (uint256 i = next; i < proof.length; ++i) {
                if (last == 0) return false;
                bytes32 sibling = proof[i];
                if (node & 1 == 1) {
                    older = nodeHash(sibling, older);
                    newer = nodeHash(sibling, newer);
                } else if (node == last) {
                    older = nodeHash(sibling, older);
                    newer = nodeHash(sibling, newer);
                    (node, last) = skipMissingSiblings(node, last);
                } else {
                    newer = nodeHash(newer, sibling);
                }
                node >>= 1;
                last >>= 1;
            }
            return last == 0 && older == fromRoot && newer == toRoot;
        }
    }

    /// @notice SHA-256(0x01 ‖ left ‖ right).
    function nodeHash(bytes32 left, bytes32 right) internal view returns (bytes32 hash) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, 1) // its last byte is the prefix that keeps nodes and leaves apart
            mstore(add(free, 0x20), left)
            mstore(add(free, 0x40), right)
            // Too little gas fails the precompile and not its caller: an unchecked call would go on with a stale hash.
            if iszero(staticcall(gas(), 2, add(free, 0x1f), 0x41, 0, 0x20)) {
                mstore(0, 0xc176b3c5) // Sha256Failed()
                revert(0x1c, 4)
            }
            hash := mload(0)
        }
    }

    /// @dev The last node of a level without a right sibling moves up unhashed until it is a right child (or the root).
    function skipMissingSiblings(uint256 node, uint256 last) private pure returns (uint256, uint256) {
        while (node & 1 == 0 && node != 0) {
            node >>= 1;
            last >>= 1;
        }
        return (node, last);
    }
}
