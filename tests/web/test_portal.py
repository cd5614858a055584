"""The page of a person's roles, the list behind its search, and what the API tells of them."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import HeldClock
from portal_factories import GROUP, account, portal_at, register_of, rules_for_all
from web_factories import Person, door_of

from federation_bridge.web.pages import my_roles

FIRST = "100000000000"
ASKS = {"Sec-Fetch-Site": "same-origin", "Accept-Encoding": "gzip"}


def small() -> dict[str, Any]:
    told = {"environment": "production", "color": "red", "aliases": ["prod", "生产"], "tags": {"team": "payments"}}
    roles = ["Reader", {"name": "Administrator", "description": "For <incidents>"}]
    return {"version": 1, "accounts": [account(2, **told, roles=roles), account(1, roles=["Reader"])]}


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    """Ada, with three roles in two accounts."""
    register = small()
    rules = rules_for_all(register, description="What all may do")
    for person in portal_at(tmp_path, clock, register, rules):
        person.sign_in(clock, GROUP)
        yield person


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """Somebody with 5,003 roles in 500 accounts."""
    clock = HeldClock()
    for person in portal_at(tmp_path_factory.mktemp("many"), clock, register_of(500, 3)):
        person.sign_in(clock, GROUP)
        yield person


def rows(page: str) -> list[str]:
    return re.findall(r'<li class="offer" data-key="([^"]+)"', page)


def use(person: Person, clock: HeldClock, key: str, times: int = 1) -> None:
    """As if the role had been taken so often."""
    from store_factories import entry, live_grant  # noqa: PLC0415 - of this step alone

    account_id, _, role = key.partition("/")
    for number in range(times):
        live = live_grant(clock(), f"_{key}{number}{clock()}", "corp/ada", role)
        object.__setattr__(live, "account", account_id)
        assert door_of(person.app).store.session_names.claim("ada", "corp/ada", entry(clock()), live=live)


def test_the_api_tells_of_each_role_what_the_operator_wrote_in_the_operators_order(ada: Person) -> None:
    offers = ada.get("/api/v1/roles").get_json()["roles"]
    assert [(one["account"], one["role"], one["description"]) for one in offers] == [
        ("100000000002", "Reader", "What all may do"),
        ("100000000002", "Administrator", "For <incidents>"),
        ("100000000001", "Reader", "What all may do"),
    ]
    told = small()["accounts"][0]
    assert {name: offers[0][name] for name in ("environment", "color", "aliases", "tags")} == {
        name: told[name] for name in ("environment", "color", "aliases", "tags")
    }
    assert {(one["is_favourite"], one["recent"]) for one in offers} == {(False, 0)}


def test_accounts_stand_in_the_operators_order_with_what_was_written(ada: Person) -> None:
    page = ada.get("/").text
    assert rows(page) == ["100000000002/Reader", "100000000002/Administrator", "100000000001/Reader"]
    assert page.count("<details") - page.count('<template id="account"') == 2
    assert "look-red" in page
    assert "prod, 生产" in page
    assert "For &lt;incidents&gt;" in page
    assert "you are in group" not in page, "which group gave it is behind `why`"


def test_a_role_is_kept_on_top_and_no_longer(ada: Person) -> None:
    path = "/roles/100000000001/Reader/favourite"
    answer = ada.post(path, {"keep": "yes"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert rows(ada.get("/").text)[0] == "100000000001/Reader"
    offers = ada.get("/api/v1/roles").get_json()["roles"]
    assert [one["role"] for one in offers if one["is_favourite"]] == ["Reader"]
    assert ada.post(path, {"keep": "no", "q": "rea d"}).headers["Location"] == "/?q=rea%20d"
    assert rows(ada.get("/").text)[0] == "100000000002/Reader"


@pytest.mark.parametrize(
    ("path", "fields", "token", "status"),
    [
        ("/roles/100000000001/Reader/favourite", {"keep": "yes"}, None, 403),
        ("/roles/100000000001/Administrator/favourite", {"keep": "yes"}, "ab" * 32, 403),
        ("/roles/100000000001/Reader/favourite", {"keep": "perhaps"}, "ab" * 32, 400),
        ("/roles/100000000001/Reader/favourite", {}, "ab" * 32, 400),
    ],
    ids=["without a token", "a role of somebody else", "neither", "nothing"],
)
def test_what_is_no_press_of_ours_keeps_nothing(
    ada: Person, path: str, fields: dict[str, str], token: str | None, status: int
) -> None:
    assert ada.post(path, fields, token=token).status_code == status
    assert not door_of(ada.app).store.role_habits.of("corp/ada")


def test_the_api_keeps_a_role_on_top_too(ada: Person) -> None:
    token = {"X-CSRF-Token": ada.get("/api/v1/me").get_json()["csrf_token"]}
    path = "/api/v1/roles/100000000001/Reader/favourite"

    def asked(body: Any) -> Any:
        return ada.client.post(path, base_url="https://aws.example.com", json=body, headers=token)

    assert asked({"keep": True}).get_json() == {"is_favourite": True}
    assert asked({"keep": "yes"}).status_code == 400
    assert asked({"other": True}).status_code == 400
    assert asked({"keep": False}).get_json() == {"is_favourite": False}


def test_what_is_used_most_and_latest_comes_first(many: Person) -> None:
    clock = HeldClock()
    keys = [f"{FIRST}/Auditor", "100000000007/Operator", "100000000003/Support"]
    for key, times in zip(keys, (1, 3, 2), strict=True):
        use(many, clock, key, times)
    page = many.get("/").text
    assert rows(page)[:3] == [keys[1], keys[2], keys[0]]
    ranks = {f"{one['account']}/{one['role']}": one["recent"] for one in many.get("/api/v1/roles").get_json()["roles"]}
    assert [ranks[key] for key in (keys[1], keys[2], keys[0])] == [1, 2, 3]
    assert sum(rank > 0 for rank in ranks.values()) == 3


def test_without_a_script_five_thousand_roles_are_paged_and_found(many: Person) -> None:
    seen: list[str] = []
    page = many.get("/").text
    number = 1
    while True:
        accounts = page[page.index('id="accounts"') :]
        seen += rows(accounts)
        number += 1
        if f'rel="next" href="/?page={number}"' not in page:
            break
        page = many.get(f"/?page={number}").text
    assert len(seen) == len(set(seen)) == 5_003
    found = many.get("/?q=fraud+7+bill").text
    assert rows(found)[0] == "100000000007/Billing"
    nothing = many.get("/?q=nothing+has+this").text
    assert rows(nothing) == []
    assert "None of your roles has all these words." in nothing
    assert "Ask whoever manages your AWS accounts for it." in nothing


@pytest.mark.parametrize("query", ["page=0", "page=x", "page=-1", "page=", "q=%00", "q=" + "x" * 201])
def test_a_page_that_cannot_be_is_a_clear_refusal(ada: Person, query: str) -> None:
    assert ada.get(f"/?{query}").status_code == 400
    assert ada.get("/?page=999999").status_code == 200, "the last page there is"


def test_what_is_searched_for_is_shown_as_text(ada: Person) -> None:
    page = ada.get('/?q="><script>alert(1)</script>').text
    assert "<script>alert" not in page
    assert 'value="&#34;&gt;&lt;script&gt;' in page


def test_the_page_and_its_list_are_light_and_one_token_is_enough_for_all_rows(many: Person) -> None:
    page, listed = many.get("/"), many.get("/roles/list")
    assert len(page.data) + len(listed.data) < 350_000
    assert page.text.count('name="csrf_token"') == 2, "to sign out, and for every row"
    told = listed.get_json()
    assert sum(len(one[-1]) // 2 for one in told["accounts"]) == 5_003


def test_the_list_has_no_token_and_is_compressed_for_our_own_script_alone(many: Person) -> None:
    answer = many.get("/roles/list", **ASKS)
    assert answer.headers["Content-Encoding"] == "gzip"
    body = gzip.decompress(answer.data)
    assert json.loads(body) == many.get("/roles/list").get_json()
    token = many.get("/api/v1/me").get_json()["csrf_token"]
    assert token.encode() not in body
    assert answer.headers["Cache-Control"] == "no-store"
    for asked in ({**ASKS, "Sec-Fetch-Site": "cross-site"}, {"Accept-Encoding": "gzip"}):
        assert "Content-Encoding" not in many.get("/roles/list", **asked).headers
    assert "Content-Encoding" not in many.get("/roles/list?x=guess", **ASKS).headers


def test_the_page_itself_is_never_compressed(many: Person) -> None:
    for path in ("/", "/?q=fraud", "/?page=2"):
        assert "Content-Encoding" not in many.get(path, **ASKS).headers


def test_of_very_many_roles_the_browser_asks_us(many: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(my_roles, "MOST_IN_A_BROWSER", 5_000)
    assert many.get("/roles/list").get_json() == {"many": True}


def test_who_did_not_say_that_it_is_them_gets_no_list(ada: Person, clock: HeldClock) -> None:
    ada.sign_in(clock, GROUP, token="cd" * 32, confirmed=False)
    for _ in range(2):
        answer = ada.get("/roles/list")
        assert answer.mimetype == "text/html"
        assert "Administrator" not in answer.text
        clock.advance(timedelta(days=1))
