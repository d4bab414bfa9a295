// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {AnchorRegistry} from "../src/AnchorRegistry.sol";
import {vm} from "./Foundry.sol";
import {MerkleModel} from "./MerkleModel.sol";

/// @notice A publisher who does everything a publisher can, honest or not, and strangers who try the same.
contract Publisher {
    uint256 private constant CAPACITY = 40;

    AnchorRegistry public immutable registry;
    bytes32 public immutable logId;
    bytes32[] private honest = MerkleModel.leavesOf(1, CAPACITY);
    bytes32[] private forked = MerkleModel.leavesOf(2, CAPACITY);
    address private publisher = address(this);

    /// @notice What was anchored, in order, as this contract remembers it.
    uint256[] public sizes;
    mapping(uint256 size => bytes32) public rootAt;
    /// @notice Anchors that the registry took and should not have.
    uint256 public forgeries;

    constructor() {
        registry = new AnchorRegistry("log.example/invariant");
        logId = keccak256("log.example/invariant");
    }

    function growHonestly(uint256 step) external {
        uint256 from = headSize();
        uint256 to = from + 1 + step % 7;
        if (to > CAPACITY) return;
        bytes32 root = MerkleModel.root(honest, 0, to);
        bytes32[] memory proof = from == 0 ? new bytes32[](0) : MerkleModel.consistency(honest, from, to);
        vm.prank(publisher);
        registry.anchor(logId, to, root, proof);
        sizes.push(to);
        rootAt[to] = root;
    }

    function rewriteHistory(uint256 size, bool proveFork) external {
        uint256 from = headSize();
        if (from == 0) return;
        size = 1 + size % CAPACITY;
        bytes32[] memory proof = new bytes32[](0);
        if (size > from) proof = MerkleModel.consistency(proveFork ? forked : honest, from, size);
        tryAnchor(publisher, size, MerkleModel.root(forked, 0, size), proof);
    }

    function anchorAnything(uint256 size, bytes32 root, bytes32[] calldata proof) external {
        if (headSize() != 0) tryAnchor(publisher, size % 64, root, proof);
    }

    function anchorAsStranger(address stranger, uint256 step) external {
        uint256 from = headSize();
        uint256 to = from + 1 + step % 7;
        if (stranger == publisher || from == 0 || to > CAPACITY) return;
        bytes32 root = MerkleModel.root(honest, 0, to);
        tryAnchor(stranger, to, root, MerkleModel.consistency(honest, from, to));
    }

    function handOver(address to) external {
        if (to == address(0)) return;
        vm.prank(publisher);
        registry.transferPublisher(logId, to);
        vm.prank(to);
        registry.acceptPublisher(logId);
        publisher = to;
    }

    function anchoredCount() external view returns (uint256) {
        return sizes.length;
    }

    function headSize() public view returns (uint256) {
        return sizes.length == 0 ? 0 : sizes[sizes.length - 1];
    }

    function tryAnchor(address caller, uint256 size, bytes32 root, bytes32[] memory proof) private {
        vm.prank(caller);
        try registry.anchor(logId, size, root, proof) {
            ++forgeries;
        } catch {}
    }
}

contract AnchorRegistryInvariantTest {
    Publisher private publisher;

    function setUp() public {
        publisher = new Publisher();
    }

    /// @notice forge calls only these, in any order.
    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(publisher);
    }

    /// @dev Every size, so that no root appears where none was anchored either.
    function invariant_rootsNeverChange() public view {
        (AnchorRegistry registry, bytes32 logId) = (publisher.registry(), publisher.logId());
        for (uint256 size = 0; size < 64; ++size) {
            vm.assertEq(registry.rootOf(logId, size), publisher.rootAt(size));
        }
    }

    function invariant_theHeadOnlyGrows() public view {
        (uint256 size, bytes32 root) = publisher.registry().head(publisher.logId());
        vm.assertEq(size, publisher.headSize());
        vm.assertEq(root, publisher.rootAt(size));
        for (uint256 i = 1; i < publisher.anchoredCount(); ++i) {
            vm.assertTrue(publisher.sizes(i) > publisher.sizes(i - 1));
        }
    }

    function invariant_noForgedProofPasses() public view {
        vm.assertEq(publisher.forgeries(), 0);
    }
}
