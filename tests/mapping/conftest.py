"""Whatever is refused in a test of this folder is looked at in the pages' second language too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import pytest
from catalogue import PAGES

from federation_bridge.errors import Mistake
from federation_bridge.mapping import document
from federation_bridge.sentence import Sentence

_CHINESE = re.compile("[\u4e00-\u9fff]")
_NOUN = re.compile(r"(?:an?|the|account|group|rule|session|another)\b(?!.*['\"])")
"""How a part of a text is called, where its value says so in English words."""


@pytest.fixture(autouse=True)
def every_mistake_speaks_chinese(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails the test in which a text is refused with words that a page could say in English only."""
    reasons: dict[str, str] = {}

    def noted(reason: str, *place: object) -> Mistake:
        reasons.setdefault(reason, reason)
        return Mistake(reason, *place)  # type: ignore[arg-type] # as it was called

    monkeypatch.setattr(document, "Mistake", noted)
    yield
    for reason in reasons.values():
        assert isinstance(reason, Sentence), f"no sentence: {reason}"
        chinese = _in_chinese(reason)
        assert _CHINESE.search(chinese), f"no Chinese for: {reason}"
        assert not any(_is_english_noun(name, value) for name, value in reason.values.items()), reason


def _in_chinese(text: str) -> str:
    if not isinstance(text, Sentence):
        return text
    return _catalogue()[text.template] % {name: _in_chinese(value) for name, value in text.values.items()}


def _is_english_noun(name: str, value: str) -> bool:
    return name == "what" and not isinstance(value, Sentence) and bool(_NOUN.match(value))


@lru_cache(maxsize=1)
def _catalogue() -> dict[str, str]:
    return PAGES.translated()
