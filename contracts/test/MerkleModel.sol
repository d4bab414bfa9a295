// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

/// @notice RFC 6962 section 2.1 word for word: recursive definitions of root, audit path and consistency proof.
/// Slow and obvious, so that the fast checks have something to be measured against.
library MerkleModel {
    /// @notice MTH(D[begin:end]) over leaf hashes.
    function root(bytes32[] memory leaves, uint256 begin, uint256 end) internal pure returns (bytes32) {
        if (end - begin == 1) return leaves[begin];
        uint256 split = begin + largestPowerBelow(end - begin);
        return sha256(abi.encodePacked(bytes1(0x01), root(leaves, begin, split), root(leaves, split, end)));
    }

    /// @notice PATH(index, D[begin:end]), `index` counted from the tree's start.
    function path(bytes32[] memory leaves, uint256 index, uint256 begin, uint256 end)
        internal
        pure
        returns (bytes32[] memory)
    {
        if (end - begin == 1) return new bytes32[](0);
        uint256 split = begin + largestPowerBelow(end - begin);
        return index < split
            ? append(path(leaves, index, begin, split), root(leaves, split, end))
            : append(path(leaves, index, split, end), root(leaves, begin, split));
    }

    /// @notice PROOF(from, D[0:to]).
    function consistency(bytes32[] memory leaves, uint256 from, uint256 to)
        internal
        pure
        returns (bytes32[] memory)
    {
        return subproof(leaves, from, 0, to, true);
    }

    function subproof(bytes32[] memory leaves, uint256 from, uint256 begin, uint256 end, bool known)
        private
        pure
        returns (bytes32[] memory)
    {
        if (from == end) {
            bytes32[] memory none = new bytes32[](0);
            return known ? none : append(none, root(leaves, begin, end));
        }
        uint256 split = begin + largestPowerBelow(end - begin);
        return from <= split
            ? append(subproof(leaves, from, begin, split, known), root(leaves, split, end))
            : append(subproof(leaves, from, split, end, false), root(leaves, begin, split));
    }

    function largestPowerBelow(uint256 count) private pure returns (uint256 power) {
        power = 1;
        while (power * 2 < count) power *= 2;
    }

    function append(bytes32[] memory hashes, bytes32 hash) private pure returns (bytes32[] memory longer) {
        longer = new bytes32[](hashes.length + 1);
        for (uint256 i = 0; i < hashes.length; ++i) {
            longer[i] = hashes[i];
        }
        longer[hashes.length] = hash;
    }

    /// @notice `count` distinct leaf hashes, another set for every seed.
    function leavesOf(uint256 seed, uint256 count) internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            leaves[i] = sha256(abi.encodePacked(bytes1(0x00), keccak256(abi.encode(seed, i))));
        }
    }
}
