"""How many text messages a text is: GSM 03.38 septets, or UCS-2 when a character is outside that alphabet."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

GSM7_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_EXTENDED = frozenset("\f^{}\\[~]|€")
"""These take two septets each."""


class Encoding(StrEnum):
    """The alphabet a text is sent in."""

    GSM7 = "gsm7"
    UCS2 = "ucs2"


SINGLE = {Encoding.GSM7: 160, Encoding.UCS2: 70}
JOINED = {Encoding.GSM7: 153, Encoding.UCS2: 67}
"""Units in a text that stands alone, and in each part of a joined one (the rest is taken by the joining header)."""


@dataclass(frozen=True, slots=True)
class Length:
    """``units`` are septets or 16-bit units, ``segments`` the text messages that are paid for."""

    encoding: Encoding
    units: int
    segments: int

    @property
    def room(self) -> int:
        """Units left before the text grows by a segment."""
        capacity = SINGLE[self.encoding] if self.segments <= 1 else JOINED[self.encoding] * self.segments
        return capacity - self.units


def measure(text: str) -> Length:
    """Alphabet, units and segments of ``text``. A character of two units is never cut in half between segments."""
    if all(char in GSM7_BASIC or char in GSM7_EXTENDED for char in text):
        encoding, sizes = Encoding.GSM7, [2 if char in GSM7_EXTENDED else 1 for char in text]
    else:
        encoding, sizes = Encoding.UCS2, [2 if ord(char) > 0xFFFF else 1 for char in text]
    units = sum(sizes)
    if units <= SINGLE[encoding]:
        return Length(encoding, units, 1 if units else 0)
    return Length(encoding, units, _joined(sizes, JOINED[encoding]))


def _joined(sizes: list[int], capacity: int) -> int:
    segments, used = 1, 0
    for size in sizes:
        if used + size > capacity:
            segments, used = segments + 1, 0
        used += size
    return segments
