// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Rfc6962} from "../src/libraries/Rfc6962.sol";
import {vm} from "./Foundry.sol";
import {MerkleModel} from "./MerkleModel.sol";

/// @notice The library behind calldata, as the registry calls it.
contract Proofs {
    function isIncluded(uint256 index, uint256 size, bytes32 leaf, bytes32 root, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        return Rfc6962.isIncluded(index, size, leaf, root, proof);
    }

    function isConsistent(uint256 from, uint256 to, bytes32 fromRoot, bytes32 toRoot, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        return Rfc6962.isConsistent(from, to, fromRoot, toRoot, proof);
    }

    function nodeHash(bytes32 left, bytes32 right) external view returns (bytes32) {
        return Rfc6962.nodeHash(left, right);
    }
}

contract Rfc6962Test {
    Proofs private immutable proofs = new Proofs();

    function testFuzz_nodeHashIsPrefixedSha256(bytes32 left, bytes32 right) public view {
        vm.assertEq(proofs.nodeHash(left, right), sha256(abi.encodePacked(bytes1(0x01), left, right)));
    }

    function test_everyLeafOfEverySmallTreeIsIncluded() public view {
        for (uint256 size = 1; size <= 17; ++size) {
            bytes32[] memory leaves = MerkleModel.leavesOf(size, size);
            bytes32 root = MerkleModel.root(leaves, 0, size);
            for (uint256 index = 0; index < size; ++index) {
                bytes32[] memory proof = MerkleModel.path(leaves, index, 0, size);
                for (uint256 claimed = 0; claimed <= size; ++claimed) {
                    vm.assertEq(
                        proofs.isIncluded(claimed, size, leaves[index], root, proof),
                        claimed == index,
                        "only at its own index"
                    );
                }
            }
        }
    }

    function test_everySmallTreeContinuesEverySmallerOne() public view {
        bytes32[] memory leaves = MerkleModel.leavesOf(7, 17);
        for (uint256 to = 2; to <= 17; ++to) {
            bytes32 toRoot = MerkleModel.root(leaves, 0, to);
            for (uint256 from = 1; from < to; ++from) {
                bytes32 fromRoot = MerkleModel.root(leaves, 0, from);
                bytes32[] memory proof = MerkleModel.consistency(leaves, from, to);
                vm.assertTrue(proofs.isConsistent(from, to, fromRoot, toRoot, proof));
                vm.assertFalse(proofs.isConsistent(from, to, ~fromRoot, toRoot, proof), "older root");
                vm.assertFalse(proofs.isConsistent(from, to, fromRoot, ~toRoot, proof), "newer root");
            }
        }
    }

    function testFuzz_inclusionMatchesTheModel(uint256 seed, uint256 size, uint256 index) public view {
        size = 1 + size % 100;
        index %= size;
        bytes32[] memory leaves = MerkleModel.leavesOf(seed, size);
        bytes32 root = MerkleModel.root(leaves, 0, size);
        vm.assertTrue(
            proofs.isIncluded(index, size, leaves[index], root, MerkleModel.path(leaves, index, 0, size))
        );
    }

    function testFuzz_consistencyMatchesTheModel(uint256 seed, uint256 from, uint256 to) public view {
        to = 2 + to % 99;
        from = 1 + from % (to - 1);
        bytes32[] memory leaves = MerkleModel.leavesOf(seed, to);
        bytes32[] memory proof = MerkleModel.consistency(leaves, from, to);
        bytes32 fromRoot = MerkleModel.root(leaves, 0, from);
        vm.assertTrue(proofs.isConsistent(from, to, fromRoot, MerkleModel.root(leaves, 0, to), proof));
    }

    function testFuzz_noRewrittenTreeIsConsistent(uint256 seed, uint256 from, uint256 to, uint256 changed)
        public
        view
    {
        to = 2 + to % 99;
        from = 1 + from % (to - 1);
        bytes32[] memory leaves = MerkleModel.leavesOf(seed, to);
        bytes32 fromRoot = MerkleModel.root(leaves, 0, from);
        leaves[changed % from] = keccak256("rewritten");
        bytes32[] memory proof = MerkleModel.consistency(leaves, from, to);
        vm.assertFalse(proofs.isConsistent(from, to, fromRoot, MerkleModel.root(leaves, 0, to), proof));
    }

    function testFuzz_noMutatedProofPasses(uint256 seed, uint256 from, uint256 to, uint256 mutation)
        public
        view
    {
        to = 2 + to % 99;
        from = 1 + from % (to - 1);
        bytes32[] memory leaves = MerkleModel.leavesOf(seed, to);
        bytes32 toRoot = MerkleModel.root(leaves, 0, to);
        bytes32[] memory inclusion = mutate(MerkleModel.path(leaves, from, 0, to), mutation);
        vm.assertFalse(proofs.isIncluded(from, to, leaves[from], toRoot, inclusion));
        bytes32[] memory consistency = mutate(MerkleModel.consistency(leaves, from, to), mutation);
        vm.assertFalse(
            proofs.isConsistent(from, to, MerkleModel.root(leaves, 0, from), toRoot, consistency)
        );
    }

    function testFuzz_noInventedProofPasses(
        uint64 from,
        uint64 to,
        bytes32 fromRoot,
        bytes32 toRoot,
        bytes32[] calldata proof
    ) public view {
        vm.assertFalse(proofs.isConsistent(from, to, fromRoot, toRoot, proof));
        vm.assume(to != 1);
        vm.assertFalse(proofs.isIncluded(from, to, fromRoot, toRoot, proof));
    }

    function test_emptyEqualAndShrinkingTreesNeedTheirOwnRule() public view {
        bytes32[] memory none = new bytes32[](0);
        bytes32 root = keccak256("root");
        vm.assertFalse(proofs.isConsistent(0, 1, 0, root, none), "from nothing");
        vm.assertFalse(proofs.isConsistent(2, 2, root, root, none), "equal");
        vm.assertFalse(proofs.isConsistent(3, 2, root, root, none), "shrinking");
        vm.assertFalse(proofs.isIncluded(0, 0, root, root, none), "empty tree");
    }

    function test_tooLittleGasNeverYieldsAnAnswer() public view {
        bytes32[] memory leaves = MerkleModel.leavesOf(1, 16);
        bytes32 root = MerkleModel.root(leaves, 0, 16);
        bytes32[] memory proof = MerkleModel.path(leaves, 3, 0, 16);
        bool answered;
        for (uint256 gasLimit = 300; gasLimit < 6000; gasLimit += 7) {
            try proofs.isIncluded{gas: gasLimit}(3, 16, leaves[3], root, proof) returns (bool included) {
                vm.assertTrue(included, "a true proof read as false");
                answered = true;
            } catch {}
        }
        vm.assertTrue(answered, "never enough gas");
    }

    function mutate(bytes32[] memory proof, uint256 mutation) private pure returns (bytes32[] memory mutated) {
        uint256 place = (mutation / 4) % proof.length;
        if (mutation % 4 == 0) {
            proof[place] ^= bytes32(1 << (mutation >> 248));
            return proof;
        }
        bool longer = mutation % 4 == 1;
        mutated = new bytes32[](longer ? proof.length + 1 : proof.length - 1);
        for (uint256 i = 0; i < mutated.length; ++i) {
            if (longer) mutated[i] = i == place ? keccak256(abi.encode(mutation)) : proof[i < place ? i : i - 1];
            else mutated[i] = proof[i < place ? i : i + 1];
        }
    }
}
