"""axe-core, the checker of accessibility that many use, run in a page as it is rendered."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

_VIOLATIONS = """async rules => {
  const options = {runOnly: {type: "tag", values: rules}, resultTypes: ["violations"]};
  const {violations} = await axe.run(document, options);
  const shown = nodes => nodes.slice(0, 3).map(node => node.html.slice(0, 120)).join(" | ");
  return violations.map(({id, help, nodes}) => `${id}: ${help}: ${shown(nodes)}`);
}"""


@cache
def _source() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


def faults(page: Any) -> list[str]:
    """What axe-core calls a violation in this page, each with the elements; nothing where it is clean.

    All else that it found stays in the page: to hand that over takes longer than the check.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(_source())
    found: list[str] = page.evaluate(_VIOLATIONS, _RULES)
    return found
