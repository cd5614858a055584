"""The documentation: every link leads somewhere, and every page can be reached from the README."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_TO_HEADING = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)#([^)\s]+)\)")
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]+)")
PAGES = sorted(path for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("idp_metadata/**/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    missing = [link for link in _LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]
    assert missing == []


def _anchors(page: Path) -> set[str]:
    """By what a link names the headings of a page, as a forge makes it."""
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} (.+)$", _FENCED.sub("", page.read_text("utf-8")), re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        name = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found.add(next(one for one in (name, *(f"{name}-{n}" for n in range(1, 99))) if one not in found))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_heading_names_one_that_is_there(page: Path) -> None:
    links = _TO_HEADING.findall(page.read_text("utf-8"))
    there = [(page.parent / path if path else page, anchor) for path, anchor in links]
    missing = [anchor for path, anchor in there if path.suffix == ".md" and anchor not in _anchors(path)]
    assert missing == []


def test_every_page_of_the_documentation_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        waiting += [(page.parent / link).resolve() for link in _LINK.findall(page.read_text("utf-8"))]
    pages = {page for page in PAGES if "adr" not in page.parts}
    assert pages - seen == set()


def test_nothing_tells_people_to_install_by_a_name_that_is_not_held() -> None:
    # A stranger may upload something under the name: only files and lists with hashes are installed.
    by_name = r"(pip|pipx|uv|uvx)( tool)?( install| run)?( +-[^ ]+)* +['\"]?federation[-_]bridge(\[|['\" ]|$)"
    found = subprocess.run(
        ["git", "grep", "-nIiE", by_name], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert found.stdout == ""


def test_no_tracked_file_names_a_registry() -> None:
    hosts = "|".join(["pypi" + r"\.org", "pythonhosted" + r"\.org", "registry\\.npm" + "js", "deb\\.debian" + r"\.org"])
    found = subprocess.run(
        ["git", "grep", "-lIE", hosts], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert found.stdout == ""
