"""axe-core, the checker of accessibility that many use, run in a page as it is rendered."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@cache
def _source() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


def faults(page: Any) -> list[str]:
    """What axe-core calls a violation in this page, each with the elements; nothing where it is clean."""
    page.evaluate(_source())
    found = page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']})", _RULES
    )
    return [
        f"{one['id']}: {one['help']}: {' | '.join(node['html'][:120] for node in one['nodes'][:3])}"
        for one in found["violations"]
    ]
