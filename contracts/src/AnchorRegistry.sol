// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {IAnchorRegistry} from "./IAnchorRegistry.sol";
import {P256} from "./libraries/P256.sol";
import {Rfc6962} from "./libraries/Rfc6962.sol";

/// @title The anchor registry
/// @notice See IAnchorRegistry for what it promises.
contract AnchorRegistry is IAnchorRegistry {
    /// @dev One slot: an anchor reads and writes both.
    struct Log {
        address publisher;
        uint64 headSize;
    }

    /// @dev Must stay the first state variable: evidence proves the storage slot
    /// keccak256(abi.encode(size, keccak256(abi.encode(logId, 0)))) by eth_getProof.
    mapping(bytes32 logId => mapping(uint256 size => bytes32 root)) private roots;
    mapping(bytes32 logId => Log) private logs;
    mapping(bytes32 logId => address) private pendingPublishers;

    /// @param origin A log to register for the deployer at once, before anyone can take its name; may be empty.
    constructor(string memory origin) {
        if (bytes(origin).length != 0) _register(origin);
    }

    /// @inheritdoc IAnchorRegistry
    function register(string calldata origin) external returns (bytes32 logId) {
        return _register(origin);
    }

    /// @inheritdoc IAnchorRegistry
    function anchor(bytes32 logId, uint256 size, bytes32 root, bytes32[] calldata consistencyProof) external {
        Log memory log = _logOfCaller(logId);
        if (size == 0) revert ZeroSize();
        if (size > type(uint64).max) revert SizeTooLarge(size);
        if (root == 0) revert ZeroRoot();

        mapping(uint256 size => bytes32 root) storage anchored = roots[logId];
        bytes32 existing = anchored[size];
        if (existing == root) revert AlreadyAnchored(logId, size);
        if (existing != 0) revert RootMismatch(logId, size, existing, root);
        uint256 headSize = log.headSize;
        if (size <= headSize) revert SizeNotGreater(logId, headSize, size);

        bool consistent = headSize == 0
            ? consistencyProof.length == 0
            : Rfc6962.isConsistent(headSize, size, anchored[headSize], root, consistencyProof);
        if (!consistent) revert InvalidConsistencyProof(logId, headSize, size);

        anchored[size] = root;
        log.headSize = uint64(size);
        logs[logId] = log;
        emit Anchored(logId, size, root, headSize);
    }

    /// @inheritdoc IAnchorRegistry
    function transferPublisher(bytes32 logId, address to) external {
        _logOfCaller(logId);
        pendingPublishers[logId] = to;
        emit PublisherTransferStarted(logId, msg.sender, to);
    }

    /// @inheritdoc IAnchorRegistry
    function acceptPublisher(bytes32 logId) external {
        if (pendingPublishers[logId] != msg.sender) revert NotPendingPublisher(logId, msg.sender);
        delete pendingPublishers[logId];
        address previous = logs[logId].publisher;
        logs[logId].publisher = msg.sender;
        emit PublisherTransferred(logId, previous, msg.sender);
    }

    /// @inheritdoc IAnchorRegistry
    function rootOf(bytes32 logId, uint256 size) external view returns (bytes32) {
        return roots[logId][size];
    }

    /// @inheritdoc IAnchorRegistry
    function head(bytes32 logId) external view returns (uint256 size, bytes32 root) {
        size = logs[logId].headSize;
        root = roots[logId][size];
    }

    /// @inheritdoc IAnchorRegistry
    function publisherOf(bytes32 logId) external view returns (address) {
        return logs[logId].publisher;
    }

    /// @inheritdoc IAnchorRegistry
    function pendingPublisherOf(bytes32 logId) external view returns (address) {
        return pendingPublishers[logId];
    }

    /// @inheritdoc IAnchorRegistry
    function verifyInclusion(
        bytes32 logId,
        uint256 size,
        uint256 index,
        bytes32 leafHash,
        bytes32[] calldata proof
    ) external view returns (bool) {
        bytes32 root = roots[logId][size];
        return root != 0 && Rfc6962.isIncluded(index, size, leafHash, root, proof);
    }

    /// @inheritdoc IAnchorRegistry
    function verifyReceipt(bytes calldata signingInput, bytes calldata signature, bytes32 x, bytes32 y)
        external
        view
        returns (bool)
    {
        if (signature.length != 64) return false;
        return P256.isSignature(sha256(signingInput), bytes32(signature[:32]), bytes32(signature[32:]), x, y);
    }

    function _register(string memory origin) private returns (bytes32 logId) {
        if (bytes(origin).length == 0) revert EmptyOrigin();
        logId = keccak256(bytes(origin));
        address publisher = logs[logId].publisher;
        if (publisher != address(0)) revert AlreadyRegistered(logId, publisher);
        logs[logId].publisher = msg.sender;
        emit Registered(logId, msg.sender, origin);
    }

    function _logOfCaller(bytes32 logId) private view returns (Log memory log) {
        log = logs[logId];
        if (log.publisher == address(0)) revert UnknownLog(logId);
        if (log.publisher != msg.sender) revert NotPublisher(logId, msg.sender);
    }
}
