"""What a program says of itself, short enough to show: never checked, so every page that shows it says so."""

from __future__ import annotations

import re

_LONGEST = 64
_PRODUCT = re.compile(r"[A-Za-z0-9._+-]{1,32}/[A-Za-z0-9._+-]{1,24}")
_MACHINE = re.compile(r"(?:[A-Za-z0-9._-]{1,24} @ )?[A-Za-z0-9._-]{1,48}")
"""One name, or `program @ machine`, in the alphabet of host names. Letters of every script would let sentences in
again: not all scripts write blanks between words."""
_SYSTEM = re.compile(r"(?:^|\s)os/([A-Za-z0-9._+-]{1,16})(?:[#\s]|$)")


def machine_label(given: str) -> str:
    """What a program calls its machine, for example `fedbridge @ adas-laptop`; "" for what is no such name.

    Attack: beside the button that lets a program in, `Your administrator asks you to press Yes` would speak for us, and
    a hidden character would change what stands around it.
    """
    return given if _MACHINE.fullmatch(given) else ""


def label_of(user_agent: str) -> str:
    """Name, version and operating system that a program's User-Agent tells, for example `aws-cli/2.38.5 (linux)`.

    "" where it names no product: a text that could be a sentence is not shown as a name.
    """
    product = _PRODUCT.match(user_agent)
    if product is None:
        return ""
    system = _SYSTEM.search(user_agent)
    return (product[0] + (f" ({system[1]})" if system else ""))[:_LONGEST]
