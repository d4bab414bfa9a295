// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {vm} from "./Foundry.sol";

/// @notice One judged inclusion proof of vectors/proofs.json.
struct InclusionVector {
    string name;
    uint256 index;
    uint256 size;
    bytes32 leafHash;
    bytes32 root;
    bytes32[] proof;
    bool valid;
}

/// @notice One judged consistency proof of vectors/proofs.json.
struct ConsistencyVector {
    string name;
    uint256 from;
    uint256 to;
    bytes32 fromRoot;
    bytes32 toRoot;
    bytes32[] proof;
    bool valid;
}

/// @notice Reads what vectors/generate.ts wrote.
library ProofVectors {
    string private constant INCLUSION =
        "I(string name,uint256 index,uint256 size,bytes32 leafHash,bytes32 root,bytes32[] proof,bool valid)";
    string private constant CONSISTENCY =
        "C(string name,uint256 from,uint256 to,bytes32 fromRoot,bytes32 toRoot,bytes32[] proof,bool valid)";

    function inclusion() internal view returns (InclusionVector[] memory) {
        return abi.decode(vm.parseJsonTypeArray(file(), ".inclusion", INCLUSION), (InclusionVector[]));
    }

    function consistency() internal view returns (ConsistencyVector[] memory) {
        return abi.decode(vm.parseJsonTypeArray(file(), ".consistency", CONSISTENCY), (ConsistencyVector[]));
    }

    /// @notice The dearest proofs at a tree size of `gas` in the file, such as "1M".
    function dearest(string memory size)
        internal
        view
        returns (InclusionVector memory included, ConsistencyVector memory consistent)
    {
        string memory key = string.concat(".gas.", size);
        bytes memory data = vm.parseJsonType(file(), string.concat(key, ".inclusion"), INCLUSION);
        included = abi.decode(data, (InclusionVector));
        data = vm.parseJsonType(file(), string.concat(key, ".consistency"), CONSISTENCY);
        consistent = abi.decode(data, (ConsistencyVector));
    }

    function file() private view returns (string memory) {
        return vm.readFile("vectors/proofs.json");
    }
}
