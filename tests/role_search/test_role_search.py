"""The one matcher: every example of the table, asked of the service's code, of the terminal's and of the page's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.conftest import launching
from playwright.sync_api import Browser

from federation_bridge.cli.credentials.roles import RoleOnOffer, matching
from federation_bridge.role_search import Searchable, distance, folded, found, words_of

HERE = Path(__file__).parent
SCRIPT = Path(__file__).parents[2] / "federation_bridge" / "web" / "static" / "search.js"
LINES = [line.split("\t") for line in (HERE / "examples.tsv").read_text(encoding="utf-8").splitlines()]
EXAMPLES = [line for line in LINES if not line[0].startswith("#")]


def _parts(text: str) -> list[str]:
    return [one for one in text.split("|") if one]


def _wanted(text: str) -> int | None:
    return None if text == "-" else int(text)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example[0]} in {example[1]}")
def test_the_service_finds_what_the_table_says(example: list[str]) -> None:
    typed, account, aliases, number, role, texts, wanted = example
    one = Searchable.of(role, [account, *_parts(aliases), number], _parts(texts))
    assert distance(words_of(typed), one) == _wanted(wanted)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example[0]} in {example[1]}")
def test_the_terminal_finds_what_the_table_says(example: list[str]) -> None:
    typed, account, aliases, number, role, texts, wanted = example
    one = RoleOnOffer(
        *(number, account, "aws", role, "arn", "1h"), aliases=tuple(_parts(aliases)), tags=tuple(_parts(texts))
    )
    assert matching(typed, [one]) == ([] if wanted == "-" else [one])


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launching() as launch:
        yield launch()


@pytest.mark.browser
def test_the_page_finds_what_the_table_says(chromium: Browser) -> None:
    asked = [
        [typed, [account, *_parts(aliases), number], role, _parts(texts)]
        for typed, account, aliases, number, role, texts, _ in EXAMPLES
    ]
    page = chromium.new_page()
    page.add_script_tag(content=SCRIPT.read_text(encoding="utf-8"))
    answers = page.evaluate(
        """asked => asked.map(([typed, accounts, role, texts]) => {
          const folded = roleSearch.folded;
          const names = accounts.map(name => `${folded(name)}/${folded(role)}`);
          const far = roleSearch.distance(roleSearch.wordsOf(typed), names, texts.map(folded));
          return far === Infinity ? null : far;
        })""",
        asked,
    )
    told = {json.dumps(one, ensure_ascii=False): far for one, far in zip(asked, answers, strict=True)}
    wanted = [_wanted(example[-1]) for example in EXAMPLES]
    assert told == {json.dumps(one, ensure_ascii=False): far for one, far in zip(asked, wanted, strict=True)}


def test_the_nearest_come_first_and_the_list_keeps_its_order_otherwise() -> None:
    names = ["reproduction/Reader", "production/Reader", "staging/Reader", "old-production/Reader"]
    items = [
        (Searchable((name.casefold(),), ("prod is where customers are",) if "stag" in name else ()), name)
        for name in names
    ]
    assert found("prod", items) == [names[1], names[3], names[0], names[2]]
    assert found("", items) == names
    assert found("zzz", items) == []


@pytest.mark.parametrize(("one", "other"), [("É", "e"), ("Straße", "STRASSE"), ("ﬃ", "ffi"), ("生产", "生产")])
def test_letters_that_people_take_for_the_same_are_folded_to_the_same(one: str, other: str) -> None:
    assert folded(one) == folded(other)
