"""Text that others wrote, as it can be shown at a terminal.

A terminal obeys control characters: they colour what follows, move the cursor, or rename the
window. A line break in a title would forge a line of our own.
"""

import re
from typing import Final

# Control characters; what ends a line or turns the direction of what follows it; lone surrogates,
# which no output encodes.
_OBEYED: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_KEPT: Final = "\n"
_FIRST_PRINTABLE: Final = 0x20
_SHORT: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def one_line(text: str) -> str:
    r"""Return the text with what a terminal would obey spelt out: `\n`, `\x1b`, `\u202e`."""
    return _OBEYED.sub(_spelt, text)


def lines(text: str) -> str:
    """Return the same, but with its line breaks. JSON stays the JSON it was."""
    return _OBEYED.sub(lambda found: _KEPT if found[0] == _KEPT else _spelt(found), text)


def _spelt(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < _FIRST_PRINTABLE:
        return _SHORT.get(found[0], f"\\x{code:02x}")
    return f"\\u{code:04x}"
