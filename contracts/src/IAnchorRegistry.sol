// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

/// @title Append-only record of transparency-log heads
/// @notice A log's publisher anchors (size, root) pairs of an RFC 6962 tree. The chain itself checks that each head
/// continues the one before, so that not even the publisher can anchor a rewritten history. Nobody can change or
/// remove an anchored root: there is no owner, no upgrade and no pause.
/// @dev A log is named by `logId = keccak256(origin)`, `origin` being the first line of its checkpoints. Registration is
/// first come, first served. Taking another's origin is a nuisance and not an attack: a verifier pins the contract's
/// address and the log's public key, and whoever finds an origin taken deploys a registry of their own, whose
/// constructor registers it in the same transaction.
interface IAnchorRegistry {
    /// @notice `publisher` registered `origin`.
    event Registered(bytes32 indexed logId, address indexed publisher, string origin);
    /// @notice The log's head moved from `previousSize` (0 at first) to `size`; `root` is final.
    event Anchored(bytes32 indexed logId, uint256 indexed size, bytes32 root, uint256 previousSize);
    /// @notice `publisher` offered the log to `pendingPublisher`; the zero address withdraws an offer.
    event PublisherTransferStarted(
        bytes32 indexed logId, address indexed publisher, address indexed pendingPublisher
    );
    /// @notice `publisher` accepted the log from `previousPublisher`.
    event PublisherTransferred(
        bytes32 indexed logId, address indexed previousPublisher, address indexed publisher
    );

    /// @notice An origin needs at least one byte.
    error EmptyOrigin();
    /// @notice The origin already has a publisher.
    error AlreadyRegistered(bytes32 logId, address publisher);
    /// @notice No origin with this id was registered.
    error UnknownLog(bytes32 logId);
    /// @notice Only the log's publisher may do this.
    error NotPublisher(bytes32 logId, address caller);
    /// @notice Only the address that was offered the log may accept it.
    error NotPendingPublisher(bytes32 logId, address caller);
    /// @notice An empty tree is not worth an anchor.
    error ZeroSize();
    /// @notice Sizes are 64-bit, as in RFC 6962.
    error SizeTooLarge(uint256 size);
    /// @notice No tree has the root zero: it stands for "not anchored".
    error ZeroRoot();
    /// @notice Exactly this head is anchored already: a retry may take it for success.
    error AlreadyAnchored(bytes32 logId, uint256 size);
    /// @notice Another root is anchored at this size: the two heads together prove that the log forked.
    error RootMismatch(bytes32 logId, uint256 size, bytes32 anchored, bytes32 offered);
    /// @notice The head only ever grows.
    error SizeNotGreater(bytes32 logId, uint256 headSize, uint256 offeredSize);
    /// @notice The proof does not lead from the anchored head to the offered one (a first anchor takes an empty proof).
    error InvalidConsistencyProof(bytes32 logId, uint256 headSize, uint256 offeredSize);

    /// @notice Makes the caller the publisher of the log named `origin`.
    /// @return logId keccak256 of the origin's bytes.
    function register(string calldata origin) external returns (bytes32 logId);

    /// @notice Anchors a new head of the log. Only for its publisher.
    /// @param size Leaves in the tree: more than in the last anchored one.
    /// @param root RFC 6962 root of that tree.
    /// @param consistencyProof RFC 6962 consistency proof from the last anchored head; empty for the first.
    function anchor(bytes32 logId, uint256 size, bytes32 root, bytes32[] calldata consistencyProof) external;

    /// @notice Offers the log to `to`, who becomes its publisher by accepting. The zero address withdraws the offer.
    function transferPublisher(bytes32 logId, address to) external;

    /// @notice Accepts a log that was offered to the caller.
    function acceptPublisher(bytes32 logId) external;

    /// @notice The root anchored at exactly this size, or zero.
    function rootOf(bytes32 logId, uint256 size) external view returns (bytes32);

    /// @notice The last anchored head; (0, 0) before the first.
    function head(bytes32 logId) external view returns (uint256 size, bytes32 root);

    /// @notice Who may anchor this log, or zero for an unknown log.
    function publisherOf(bytes32 logId) external view returns (address);

    /// @notice Who was offered this log, or zero.
    function pendingPublisherOf(bytes32 logId) external view returns (address);

    /// @notice Whether a leaf is in the log, by a proof against the root anchored at exactly `size`.
    /// @param leafHash SHA-256(0x00 ‖ entry).
    /// @return False for a wrong proof and where nothing is anchored at `size`; never reverts for either.
    function verifyInclusion(
        bytes32 logId,
        uint256 size,
        uint256 index,
        bytes32 leafHash,
        bytes32[] calldata proof
    ) external view returns (bool);

    /// @notice Whether an ES256 signature (RFC 7518 section 3.4) is good, by the P-256 precompile of EIP-7951.
    /// @param signingInput The JWS signing input: ASCII of `header.payload`, as in the compact form.
    /// @param signature 64 bytes, r ‖ s. As in JOSE, `s` may be in either half of the range.
    /// @param x The public key's affine x coordinate, as in its JWK.
    /// @param y The public key's affine y coordinate, as in its JWK.
    /// @return False for a bad or malformed signature or key, and on a chain without the precompile.
    function verifyReceipt(bytes calldata signingInput, bytes calldata signature, bytes32 x, bytes32 y)
        external
        view
        returns (bool);
}
