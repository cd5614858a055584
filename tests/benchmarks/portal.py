"""The page of a person's roles: what the service takes for it, how heavy it is, and how soon Chromium shows it."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

import yaml
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from databases import HeldClock
from portal_factories import GROUP, portal_at, register_of, rules_for_all

from federation_bridge.sandbox.company import open_company
from tests.benchmarks.table import Row, markdown, median

_TRIES = 9
_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-headless-shell")
_PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
_KEYSTROKE = """() => {
  const field = document.getElementById("q"), spans = [];
  for (const typed of ["f", "fr", "fra", "frau", "fraud", "fraud 7", "fraud 7 b", "prodadm", "zzz"]) {
    const began = performance.now();
    field.value = typed;
    field.dispatchEvent(new Event("input"));
    document.body.offsetHeight;
    spans.push(performance.now() - began);
  }
  return Math.max(...spans);
}"""


def rows() -> list[Row]:
    """All rows."""
    return [*_served(500, 3, 60), *_served(10_000, 0, None), *_shown()]


def _served(accounts: int, more: int, most: float | None) -> list[Row]:
    clock, roles = HeldClock(), 10 * accounts + more
    with tempfile.TemporaryDirectory() as folder:
        for person in portal_at(Path(folder), clock, register_of(accounts, more)):
            person.sign_in(clock, GROUP)
            sizes, spans = {}, {}
            for path in ("/", "/?q=fraud+bill", "/roles/list"):
                tries = []
                for _ in range(_TRIES if accounts < 1_000 else 3):
                    began = time.process_time()
                    sizes[path] = len(person.get(path).data)
                    tries.append(1000 * (time.process_time() - began))
                spans[path] = median(tries)
    return [
        Row(f"my roles, {roles:,} roles: server", spans["/"], "ms", most=most),
        Row(f"my roles, {roles:,} roles: server's search", spans["/?q=fraud+bill"], "ms"),
        Row(
            f"my roles, {roles:,} roles: page and list as sent",
            (sizes["/"] + sizes["/roles/list"]) / 1000,
            "kB",
            most=350,
        ),
    ]


def _shown() -> list[Row]:
    register = register_of(500, 3)
    rules = rules_for_all(register, connection="company", when={"group": "platform-admins"})
    with tempfile.TemporaryDirectory() as files, tempfile.TemporaryDirectory() as folder, sync_playwright() as started:
        for name, document in (("rules", rules), ("accounts", register)):
            (Path(files) / f"{name}.yaml").write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False))
        edit = lambda text: text.replace(": rules.yaml", f": {files}/rules.yaml").replace(  # noqa: E731 - short, and used here alone
            ": accounts.yaml", f": {files}/accounts.yaml"
        )
        with open_company(Path(folder), edit_settings=edit) as company:
            page = started.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"]).new_page()
            page.goto(company.bridge)
            page.get_by_role("button", name="Example company", exact=True).click()
            person = company.directory["ada"]
            page.get_by_label("Login name").fill(person.login)
            page.get_by_label("Password").fill(person.password)
            page.get_by_role("button", name="Sign in", exact=True).click()
            page.locator("#q").wait_for()
            painted = []
            for _ in range(_TRIES):
                page.goto(company.bridge)
                page.locator("html[data-searches='yes']").wait_for()
                painted.append(float(page.evaluate(_PAINTED)))
            keystroke = float(page.evaluate(_KEYSTROKE))
    return [
        Row("my roles, 5,003 roles: first painted in Chromium", median(painted), "ms", most=300),
        Row("my roles, 5,003 roles: slowest keystroke in Chromium", keystroke, "ms", most=50),
    ]


if __name__ == "__main__":
    sys.stdout.write(f"{markdown(rows())}\n")
