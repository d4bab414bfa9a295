// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {P256 as SolidityP256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {AnchorRegistry} from "../src/AnchorRegistry.sol";
import {vm} from "./Foundry.sol";

/// @notice ES256 by precompile, with OpenZeppelin's curve arithmetic in Solidity as the other opinion.
contract VerifyReceiptTest {
    uint256 private constant ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551;

    AnchorRegistry private immutable registry = new AnchorRegistry("");

    function testFuzz_acceptsWhatTheKeySigned(uint256 privateKey, bytes calldata input) public view {
        (bytes32 x, bytes32 y, bytes32 r, bytes32 s) = sign(privateKey, input);
        vm.assertTrue(registry.verifyReceipt(input, abi.encodePacked(r, s), x, y));
        // JOSE does not ask for the low half, so a signer may send either.
        vm.assertTrue(registry.verifyReceipt(input, abi.encodePacked(r, ORDER - uint256(s)), x, y));
    }

    function testFuzz_refusesAnythingElse(uint256 privateKey, bytes calldata input, uint256 bit) public view {
        (bytes32 x, bytes32 y, bytes32 r, bytes32 s) = sign(privateKey, input);
        bytes memory signature = abi.encodePacked(r, s);
        bytes32 flip = bytes32(1 << (bit % 256));
        vm.assertFalse(registry.verifyReceipt(bytes.concat(input, "!"), signature, x, y), "other input");
        vm.assertFalse(registry.verifyReceipt(input, abi.encodePacked(r ^ flip, s), x, y), "other r");
        vm.assertFalse(registry.verifyReceipt(input, abi.encodePacked(r, s ^ flip), x, y), "other s");
        vm.assertFalse(registry.verifyReceipt(input, signature, x ^ flip, y), "x off the curve");
        vm.assertFalse(registry.verifyReceipt(input, signature, x, y ^ flip), "y off the curve");
        vm.assertFalse(registry.verifyReceipt(input, signature, y, x), "swapped coordinates");
    }

    /// forge-config: default.fuzz.runs = 16
    function testFuzz_agreesWithSolidityArithmetic(uint256 privateKey, bytes calldata input, bool tamper) public view {
        (bytes32 x, bytes32 y, bytes32 r, bytes32 s) = sign(privateKey, input);
        if (uint256(s) > ORDER / 2) s = bytes32(ORDER - uint256(s)); // the only half that OpenZeppelin takes
        bytes32 digest = tamper ? keccak256(input) : sha256(input);
        vm.assertEq(
            registry.verifyReceipt(input, abi.encodePacked(r, s), x, y) != tamper,
            SolidityP256.verifySolidity(digest, r, s, x, y),
            "precompile and Solidity disagree"
        );
    }

    function testFuzz_refusesSignaturesOfOtherLengths(bytes calldata signature, bytes32 x, bytes32 y) public view {
        vm.assertFalse(registry.verifyReceipt("input", signature, x, y));
    }

    function test_refusesDegenerateValues() public view {
        (bytes32 x, bytes32 y, bytes32 r, bytes32 s) = sign(1, "input");
        vm.assertFalse(registry.verifyReceipt("input", abi.encodePacked(bytes32(0), s), x, y), "r = 0");
        vm.assertFalse(registry.verifyReceipt("input", abi.encodePacked(r, bytes32(0)), x, y), "s = 0");
        vm.assertFalse(registry.verifyReceipt("input", abi.encodePacked(r, ORDER), x, y), "s = n");
        vm.assertFalse(registry.verifyReceipt("input", abi.encodePacked(r, s), 0, 0), "point at infinity");
        vm.assertFalse(registry.verifyReceipt("input", abi.encodePacked(r, s, bytes1(0)), x, y), "65 bytes");
        vm.assertFalse(registry.verifyReceipt("input", "", x, y), "no signature");
    }

    function test_tooLittleGasNeverReadsAsABadSignature() public view {
        (bytes32 x, bytes32 y, bytes32 r, bytes32 s) = sign(7, "input");
        bool answered;
        for (uint256 gasLimit = 500; gasLimit < 12000; gasLimit += 50) {
            try registry.verifyReceipt{gas: gasLimit}("input", abi.encodePacked(r, s), x, y) returns (bool good) {
                vm.assertTrue(good, "a good signature read as bad");
                answered = true;
            } catch {}
        }
        vm.assertTrue(answered, "never enough gas");
    }

    function sign(uint256 privateKey, bytes memory input)
        private
        pure
        returns (bytes32 x, bytes32 y, bytes32 r, bytes32 s)
    {
        privateKey = 1 + privateKey % (ORDER - 1);
        (uint256 keyX, uint256 keyY) = vm.publicKeyP256(privateKey);
        (r, s) = vm.signP256(privateKey, sha256(input));
        (x, y) = (bytes32(keyX), bytes32(keyY));
    }
}
