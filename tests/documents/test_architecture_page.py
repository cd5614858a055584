"""The page that leads a newcomer through the house names nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "federation_bridge"
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
_PATH = re.compile(r"`([\w*-]+(?:/[\w*-]+)*(?:\.py|/))`")
_ROW = re.compile(r"\| `(\w+/)` \|")
_VERB = re.compile(r"`([A-Z]\w+)\.(\w+)`")


def _named(page: str) -> set[tuple[str, str]]:
    """Each place that is named, after the place whose row of the table it stands in: there names may be below that."""
    return {
        (found[1] if (found := _ROW.match(line)) else "", named)
        for line in page.splitlines()
        for named in _PATH.findall(line)
    }


def _is_there(row: str, named: str) -> bool:
    return any(any(place.glob(named)) for place in (PACKAGE, ROOT, PACKAGE / row))


def _has(kind: str, verb: str) -> bool:
    """Whether a class of this name has a method of that name."""
    for path in PACKAGE.rglob("*.py"):
        _, found, body = path.read_text("utf-8").partition(f"\nclass {kind}")
        if found and re.search(rf"^    def {verb}\(", re.split(r"\nclass ", body)[0], re.MULTILINE):
            return True
    return False


@pytest.mark.parametrize(("row", "named"), sorted(_named(PAGE)))
def test_every_place_that_the_page_names_is_there(row: str, named: str) -> None:
    assert _is_there(row, named)


@pytest.mark.parametrize(("kind", "verb"), sorted(set(_VERB.findall(PAGE))))
def test_every_verb_that_the_page_names_is_there(kind: str, verb: str) -> None:
    assert _has(kind, verb)


def test_what_is_not_there_would_be_found() -> None:
    page = "`bridge/verb.py` `bridge/verbs.py` `tests/nowhere/` `app.py`\n| `audit/` | `events/` `verbs.py` |"
    assert {named: _is_there(row, named) for row, named in _named(page)} == {
        "bridge/verb.py": False,
        "bridge/verbs.py": True,
        "tests/nowhere/": False,
        "app.py": True,
        "audit/": True,
        "events/": True,
        "verbs.py": False,
    }
    assert (_has("Bridge", "console"), _has("Bridge", "consoles"), _has("Bridges", "console")) == (True, False, False)


def test_the_page_has_the_five_walks() -> None:
    walks = re.findall(
        r"^\*\*([\w -]+)\.\*\* ", PAGE.partition("## The five walks")[2].partition("\n## ")[0], re.MULTILINE
    )
    assert walks == ["Sign-in", "Grant", "Device login", "Credential-process", "Rules reload"]
