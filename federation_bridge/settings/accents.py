"""The operator's accent color: whether it can be read on our pages, and the shade of it for dark ones.

Contrast is that of WCAG 2.2: 4.5 to 1 for text (1.4.3).
"""

from __future__ import annotations

import re

LIGHT_GROUNDS = ("#ffffff", "#f6f7f9", "#eceff3")
DARK_GROUNDS = ("#1b222b", "#12171d", "#242d38")
"""Card, paper and a row under the pointer, of both schemes, as static/style.css has them."""
LEAST_CONTRAST = 4.5
_COLOR = re.compile(r"#[0-9a-f]{6}")
_STEPS = 20
_KNEE = 0.04045
"""Below it a channel of sRGB grows evenly."""


def checked_accent(written: str) -> str:
    """The color in lower case; ValueError where it is none, or where nobody could read it."""
    color = written.lower()
    if not _COLOR.fullmatch(color):
        raise ValueError("is a color, written `#0b5cad`: # and six of 0-9 a-f")
    found = min(contrast(color, ground) for ground in LIGHT_GROUNDS)
    if found < LEAST_CONTRAST:
        raise ValueError(
            f"{color} can hardly be read on a light page: its contrast is {found:.1f} to 1, and {LEAST_CONTRAST} to 1 "
            f"is needed; {_darker(color)} would do"
        )
    return color


def for_dark_pages(color: str) -> str:
    """The same color, as much lighter as a dark page needs."""
    return _first_readable(color, "#ffffff", DARK_GROUNDS)


def contrast(one: str, other: str) -> float:
    """How far apart two colors are, from 1 to 21 (WCAG 2.2, contrast ratio)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _darker(color: str) -> str:
    return _first_readable(color, "#000000", LIGHT_GROUNDS)


def _first_readable(color: str, towards: str, grounds: tuple[str, ...]) -> str:
    mixed = (_mixed(color, towards, step / _STEPS) for step in range(_STEPS + 1))
    return next(one for one in mixed if min(contrast(one, ground) for ground in grounds) >= LEAST_CONTRAST)


def _mixed(color: str, other: str, share: float) -> str:
    pairs = zip(_channels(color), _channels(other), strict=True)
    return "#" + "".join(f"{round(mine + (theirs - mine) * share):02x}" for mine, theirs in pairs)


def _channels(color: str) -> tuple[int, ...]:
    return tuple(int(color[at : at + 2], 16) for at in (1, 3, 5))


def _luminance(color: str) -> float:
    red, green, blue = (_linear(value / 255) for value in _channels(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= _KNEE else float(((value + 0.055) / 1.055) ** 2.4)
