// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {AnchorRegistry} from "../src/AnchorRegistry.sol";
import {vm} from "./Foundry.sol";
import {ConsistencyVector, InclusionVector, ProofVectors} from "./ProofVectors.sol";

/// @notice Gas of the dearest proofs of each tree size; the numbers are kept in snapshots/GasTest.json.
contract GasTest {
    uint256 private constant ANCHOR_LIMIT = 90_000;
    uint256 private constant INCLUSION_LIMIT = 40_000;
    bytes32 private constant LOG = keccak256("log.example/gas");

    AnchorRegistry private immutable registry = new AnchorRegistry("log.example/gas");

    /// forge-config: default.isolate = true
    function test_anchorAt10k() public {
        anchorAt("10k");
    }

    /// forge-config: default.isolate = true
    function test_anchorAt100k() public {
        anchorAt("100k");
    }

    /// forge-config: default.isolate = true
    function test_anchorAt1M() public {
        anchorAt("1M");
    }

    function test_inclusionAt10k() public {
        verifyInclusionAt("10k");
    }

    function test_inclusionAt100k() public {
        verifyInclusionAt("100k");
    }

    function test_inclusionAt1M() public {
        verifyInclusionAt("1M");
    }

    /// @dev The whole transaction, with its 21,000 and its calldata: isolation makes one of each call.
    function anchorAt(string memory size) private {
        (, ConsistencyVector memory v) = ProofVectors.dearest(size);
        registry.anchor(LOG, v.from, v.fromRoot, new bytes32[](0));
        registry.anchor(LOG, v.to, v.toRoot, v.proof);
        uint256 used = vm.lastCallGas().gasTotalUsed;
        vm.snapshotValue(string.concat("anchor transaction at ", size), used);
        vm.assertLe(used, ANCHOR_LIMIT);
    }

    /// @dev What a contract pays that asks, nothing being warm. As a view it costs nobody anything.
    function verifyInclusionAt(string memory size) private {
        (InclusionVector memory v,) = ProofVectors.dearest(size);
        registry.anchor(LOG, v.size, v.root, new bytes32[](0));
        vm.cool(address(registry));
        uint256 before = gasleft();
        bool included = registry.verifyInclusion(LOG, v.size, v.index, v.leafHash, v.proof);
        uint256 used = before - gasleft();
        vm.assertTrue(included);
        vm.snapshotValue(string.concat("inclusion call at ", size), used);
        vm.assertLe(used, INCLUSION_LIMIT);
    }
}
