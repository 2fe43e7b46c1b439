"""MurmurHash3_x64_128, after the description of the algorithm (public domain, Austin Appleby)."""

from __future__ import annotations

_MASK = (1 << 64) - 1
_C1, _C2 = 0x87C37B91114253D5, 0x4CF5AD432745937F


def murmur3_128(content: bytes, seed: int = 0) -> int:
    """Return the 128-bit hash of some bytes as an integer: h2 in the upper, h1 in the lower half."""
    h1 = h2 = seed & 0xFFFFFFFF
    whole = len(content) // 16 * 16
    for position in range(0, whole, 16):
        k1 = int.from_bytes(content[position : position + 8], "little")
        k2 = int.from_bytes(content[position + 8 : position + 16], "little")
        h1 = (_rotate(h1 ^ _mix1(k1), 27) + h2) * 5 + 0x52DCE729 & _MASK
        h2 = (_rotate(h2 ^ _mix2(k2), 31) + h1) * 5 + 0x38495AB5 & _MASK
    rest = content[whole:]
    h2 ^= _mix2(int.from_bytes(rest[8:], "little"))
    h1 ^= _mix1(int.from_bytes(rest[:8], "little"))
    return _finish(h1 ^ len(content), h2 ^ len(content))


def _finish(h1: int, h2: int) -> int:
    h1 = h1 + h2 & _MASK
    h2 = h2 + h1 & _MASK
    h1, h2 = _avalanche(h1), _avalanche(h2)
    h1 = h1 + h2 & _MASK
    return (h2 + h1 & _MASK) << 64 | h1


def _mix1(k: int) -> int:
    return _rotate(k * _C1 & _MASK, 31) * _C2 & _MASK


def _mix2(k: int) -> int:
    return _rotate(k * _C2 & _MASK, 33) * _C1 & _MASK


def _rotate(x: int, by: int) -> int:
    return (x << by | x >> 64 - by) & _MASK


def _avalanche(k: int) -> int:
    k = (k ^ k >> 33) * 0xFF51AFD7ED558CCD & _MASK
    k = (k ^ k >> 33) * 0xC4CEB9FE1A85EC53 & _MASK
    return k ^ k >> 33
