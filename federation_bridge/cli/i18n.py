"""The terminal's languages: English, and Simplified Chinese where the environment asks for it.

Catalogues are gettext's; the language is read as gettext does (LANGUAGE, LC_ALL, LC_MESSAGES, LANG), with
FEDBRIDGE_LANGUAGE before them.
"""

from __future__ import annotations

import gettext
import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from federation_bridge.shown_text import shown

_FOLDER = Path(__file__).parent / "translations"
_CHINESE = "zh_Hans_CN"


def language(environ: Mapping[str, str]) -> str:
    """`zh_Hans_CN` or `en`."""
    for name in ("FEDBRIDGE_LANGUAGE", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        if chosen := environ.get(name, "").split(":")[0]:
            return _CHINESE if chosen.lower().startswith("zh") else "en"
    return "en"


def tag() -> str:
    """The language of `say`, as HTML names it."""
    return "zh-Hans-CN" if language(os.environ) == _CHINESE else "en"


@cache
def _catalogue(chosen: str) -> gettext.NullTranslations:
    return gettext.translation("fedbridge", _FOLDER, [chosen], fallback=True)


def say(sentence: str, **values: object) -> str:
    """The sentence in the person's language, its {places} filled with values made printable."""
    text = _catalogue(language(os.environ)).gettext(sentence)
    return text.format(**{name: printable(value) for name, value in values.items()}) if values else text


def printable(value: object) -> object:
    """Texts with `?` for what could steer a terminal (controls, direction marks); other values as they are."""
    return shown(value, "?") if isinstance(value, str) else value


def few(names: Sequence[str], most: int = 3) -> str:
    """The first names, and how many more there are: a sentence is read, and thousands of names are not."""
    shown_names, more = ", ".join(names[:most]), len(names) - most
    return say("{names} and {count} more", names=shown_names, count=more) if more > 0 else shown_names
