"""Chance that is the same every time, so that loading twice says the same twice."""

from hashlib import blake2b
from typing import Final

_BYTES: Final = 8
_HALF: Final = 2.0 ** (8 * _BYTES - 1)


def noise(*what: object) -> float:
    """A number from -1 to 1 that depends on what it is for, and on nothing else.

    It is triangular, the sum of two even chances: most numbers lie near 0.
    """
    return (_even("a", *what) + _even("b", *what)) / 2


def happens(share: float, *what: object) -> bool:
    """Whether something happens that does so in this share of all cases."""
    return (_even("c", *what) + 1) / 2 < share


def _even(*what: object) -> float:
    digest = blake2b("|".join(map(str, what)).encode(), digest_size=_BYTES).digest()
    return int.from_bytes(digest) / _HALF - 1.0
