"""The documentation: every link leads somewhere, and every page can be reached from the README."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]+)")
PAGES = sorted(path for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("idp_metadata/**/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    missing = [link for link in _LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]
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
