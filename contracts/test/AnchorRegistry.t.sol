// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {AnchorRegistry} from "../src/AnchorRegistry.sol";
import {IAnchorRegistry} from "../src/IAnchorRegistry.sol";
import {vm} from "./Foundry.sol";
import {MerkleModel} from "./MerkleModel.sol";

contract AnchorRegistryTest {
    string private constant ORIGIN = "log.example/audit";
    bytes32 private constant LOG = keccak256(bytes(ORIGIN));
    address private constant STRANGER = address(0xbad);
    address private constant SUCCESSOR = address(0x5ccc);

    AnchorRegistry private registry;
    bytes32[] private leaves = MerkleModel.leavesOf(1, 40);
    bytes32[] private none;

    function setUp() public {
        registry = new AnchorRegistry(ORIGIN);
    }

    function test_deploymentRegistersTheDeployersLog() public {
        vm.assertEq(registry.publisherOf(LOG), address(this));
        vm.assertEq(new AnchorRegistry("").publisherOf(keccak256("")), address(0));
        vm.expectEmit();
        emit IAnchorRegistry.Registered(LOG, STRANGER, ORIGIN);
        vm.prank(STRANGER);
        new AnchorRegistry(ORIGIN);
    }

    function test_registrationIsFirstComeFirstServed() public {
        bytes32 other = keccak256("other.example");
        vm.expectEmit();
        emit IAnchorRegistry.Registered(other, STRANGER, "other.example");
        vm.prank(STRANGER);
        vm.assertEq(registry.register("other.example"), other);
        vm.assertEq(registry.publisherOf(other), STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.AlreadyRegistered.selector, other, STRANGER));
        registry.register("other.example");
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.AlreadyRegistered.selector, LOG, address(this)));
        registry.register(ORIGIN);
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.EmptyOrigin.selector));
        registry.register("");
    }

    function test_anchorsAGrowingLog() public {
        uint256 previous;
        for (uint256 size = 1; size <= 40; size += 3) {
            vm.expectEmit();
            emit IAnchorRegistry.Anchored(LOG, size, root(size), previous);
            grow(previous, size);
            (uint256 headSize, bytes32 headRoot) = registry.head(LOG);
            vm.assertEq(headSize, size);
            vm.assertEq(headRoot, root(size));
            previous = size;
        }
        for (uint256 size = 1; size <= 40; ++size) {
            vm.assertEq(registry.rootOf(LOG, size), size % 3 == 1 ? root(size) : bytes32(0));
        }
    }

    function test_rootsLieWhereEvidenceProvesThem() public {
        grow(0, 5);
        bytes32 slot = keccak256(abi.encode(uint256(5), keccak256(abi.encode(LOG, uint256(0)))));
        vm.assertEq(vm.load(address(registry), slot), root(5));
    }

    function test_refusesEveryoneButThePublisher() public {
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.NotPublisher.selector, LOG, STRANGER));
        vm.prank(STRANGER);
        registry.anchor(LOG, 1, "root", none);
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.UnknownLog.selector, bytes32("?")));
        registry.anchor("?", 1, "root", none);
    }

    function test_refusesHeadsThatAreNone() public {
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.ZeroSize.selector));
        registry.anchor(LOG, 0, "root", none);
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.ZeroRoot.selector));
        registry.anchor(LOG, 1, 0, none);
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.SizeTooLarge.selector, uint256(2) ** 64));
        registry.anchor(LOG, uint256(2) ** 64, "root", none);
        registry.anchor(LOG, type(uint64).max, "root", none);
    }

    function test_tellsARetryFromAForkAndFromAStaleHead() public {
        grow(0, 5);
        grow(5, 9);
        (bytes32 five, bytes32 eight, bytes32 nine) = (root(5), root(8), root(9));
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.AlreadyAnchored.selector, LOG, 9));
        registry.anchor(LOG, 9, nine, none);
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.AlreadyAnchored.selector, LOG, 5));
        registry.anchor(LOG, 5, five, none);
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.RootMismatch.selector, LOG, 9, nine, eight));
        registry.anchor(LOG, 9, eight, none);
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.SizeNotGreater.selector, LOG, 9, 7));
        registry.anchor(LOG, 7, eight, none);
    }

    function test_refusesARewrittenHistory() public {
        grow(0, 5);
        leaves[2] = keccak256("rewritten");
        bytes32 rewritten = root(12);
        bytes32[] memory proof = MerkleModel.consistency(leaves, 5, 12);
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.InvalidConsistencyProof.selector, LOG, 5, 12));
        registry.anchor(LOG, 12, rewritten, proof);
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.InvalidConsistencyProof.selector, LOG, 5, 12));
        registry.anchor(LOG, 12, rewritten, none);
    }

    function test_theFirstAnchorTakesNoProof() public {
        bytes32 five = root(5);
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.InvalidConsistencyProof.selector, LOG, 0, 5));
        registry.anchor(LOG, 5, five, new bytes32[](1));
    }

    function test_handsOverInTwoSteps() public {
        vm.expectEmit();
        emit IAnchorRegistry.PublisherTransferStarted(LOG, address(this), SUCCESSOR);
        registry.transferPublisher(LOG, SUCCESSOR);
        vm.assertEq(registry.pendingPublisherOf(LOG), SUCCESSOR);
        grow(0, 5); // until the offer is taken nothing changes

        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.NotPendingPublisher.selector, LOG, STRANGER));
        vm.prank(STRANGER);
        registry.acceptPublisher(LOG);

        vm.expectEmit();
        emit IAnchorRegistry.PublisherTransferred(LOG, address(this), SUCCESSOR);
        vm.prank(SUCCESSOR);
        registry.acceptPublisher(LOG);
        vm.assertEq(registry.publisherOf(LOG), SUCCESSOR);
        vm.assertEq(registry.pendingPublisherOf(LOG), address(0));
        (uint256 size,) = registry.head(LOG);
        vm.assertEq(size, 5);

        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.NotPublisher.selector, LOG, address(this)));
        registry.anchor(LOG, 9, "root", none);
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.NotPendingPublisher.selector, LOG, SUCCESSOR));
        vm.prank(SUCCESSOR);
        registry.acceptPublisher(LOG);
    }

    function test_anOfferCanBeWithdrawn() public {
        registry.transferPublisher(LOG, SUCCESSOR);
        registry.transferPublisher(LOG, address(0));
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.NotPendingPublisher.selector, LOG, SUCCESSOR));
        vm.prank(SUCCESSOR);
        registry.acceptPublisher(LOG);
    }

    function test_onlyThePublisherOffersALog() public {
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.NotPublisher.selector, LOG, STRANGER));
        vm.prank(STRANGER);
        registry.transferPublisher(LOG, STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.UnknownLog.selector, bytes32("?")));
        registry.transferPublisher("?", STRANGER);
        // Nobody may become the publisher of a log that nobody registered, not even the zero address.
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.NotPendingPublisher.selector, bytes32("?"), STRANGER));
        vm.prank(STRANGER);
        registry.acceptPublisher("?");
    }

    function test_verifiesInclusionOnlyInAnchoredTrees() public {
        grow(0, 5);
        grow(5, 9);
        bytes32[] memory inFive = MerkleModel.path(leaves, 2, 0, 5);
        bytes32[] memory inNine = MerkleModel.path(leaves, 2, 0, 9);
        vm.assertTrue(registry.verifyInclusion(LOG, 5, 2, leaves[2], inFive));
        vm.assertTrue(registry.verifyInclusion(LOG, 9, 2, leaves[2], inNine));
        vm.assertFalse(registry.verifyInclusion(LOG, 9, 2, leaves[2], inFive), "proof for another size");
        vm.assertFalse(registry.verifyInclusion(LOG, 5, 1, leaves[2], inFive), "another index");
        vm.assertFalse(registry.verifyInclusion(LOG, 5, 2, leaves[1], inFive), "another leaf");
        vm.assertFalse(registry.verifyInclusion("?", 5, 2, leaves[2], inFive), "unknown log");
        vm.assertFalse(registry.verifyInclusion(LOG, 1, 0, 0, none), "a leaf of zero in a tree that is not there");
        vm.assertFalse(registry.verifyInclusion(LOG, 0, 0, 0, none), "the empty tree");
    }

    function testFuzz_logsDoNotTouchEachOther(bytes32 otherRoot, uint64 size) public {
        vm.assume(otherRoot != 0 && size != 0);
        grow(0, 5);
        vm.prank(STRANGER);
        bytes32 other = registry.register("other.example");
        vm.prank(STRANGER);
        registry.anchor(other, size, otherRoot, none);
        (uint256 headSize, bytes32 headRoot) = registry.head(LOG);
        vm.assertEq(headSize, 5);
        vm.assertEq(headRoot, root(5));
        vm.assertEq(registry.rootOf(other, size), otherRoot);
    }

    function root(uint256 size) private view returns (bytes32) {
        return MerkleModel.root(leaves, 0, size);
    }

    function grow(uint256 from, uint256 to) private {
        registry.anchor(LOG, to, root(to), from == 0 ? none : MerkleModel.consistency(leaves, from, to));
    }
}
