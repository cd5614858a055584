"""Section `portal`: how the pages of employees look, and what they say for the operator."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from federation_bridge.settings.accents import checked_accent
from federation_bridge.settings.values import Section, checked_url
from federation_bridge.shown_text import is_shown_text

_MAIL = re.compile(r"mailto:[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,253}", re.ASCII)


def _checked_help(address: str) -> str:
    return address if _MAIL.fullmatch(address) else checked_url(address)


def _printable(text: str) -> str:
    if not is_shown_text(text) or not text.strip():
        raise ValueError("is one line of letters that can be seen")
    return text


_Line = Annotated[str, AfterValidator(_printable)]


class Portal(Section):
    """The pages of employees."""

    name: _Line = Field(default="", max_length=60)
    """What stands at the top of every page; empty: "AWS access", in the reader's language."""
    logo: Path | None = None
    """A PNG or SVG file of at most 64 KiB beside the name, read at the start."""
    accent: Annotated[str, AfterValidator(checked_accent)] | None = None
    """Color of buttons and links; the default is `#0b5cad`. A color that is hard to read on a light page is refused;
    dark pages use a lighter shade of it."""
    help_link: Annotated[str, AfterValidator(_checked_help)] | None = None
    """Where people find help: an address, or `mailto:` and one."""
    without_roles: _Line = Field(default="", max_length=500)
    """What a person without any role reads: whom to ask, and how."""
