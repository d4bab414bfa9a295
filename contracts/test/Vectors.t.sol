// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {vm} from "./Foundry.sol";
import {ConsistencyVector, InclusionVector, ProofVectors} from "./ProofVectors.sol";
import {Proofs} from "./Rfc6962.t.sol";

/// @notice Proofs and forgeries made by packages/merkle: both implementations must judge each the same.
contract VectorsTest {
    Proofs private immutable proofs = new Proofs();

    function test_judgesInclusionAsTypeScriptDoes() public view {
        InclusionVector[] memory vectors = ProofVectors.inclusion();
        vm.assertTrue(vectors.length > 100);
        for (uint256 i = 0; i < vectors.length; ++i) {
            InclusionVector memory v = vectors[i];
            vm.assertEq(proofs.isIncluded(v.index, v.size, v.leafHash, v.root, v.proof), v.valid, v.name);
        }
    }

    function test_judgesConsistencyAsTypeScriptDoes() public view {
        ConsistencyVector[] memory vectors = ProofVectors.consistency();
        vm.assertTrue(vectors.length > 100);
        for (uint256 i = 0; i < vectors.length; ++i) {
            ConsistencyVector memory v = vectors[i];
            vm.assertEq(proofs.isConsistent(v.from, v.to, v.fromRoot, v.toRoot, v.proof), v.valid, v.name);
        }
    }
}
