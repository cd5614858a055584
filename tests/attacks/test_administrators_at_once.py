"""One real service over HTTP, with two processes: administrators who press at once, late, too much or too slowly."""

from __future__ import annotations

import html
import http.client
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from urllib.parse import quote, urlencode, urlsplit

import pytest
from company_factories import company_at

from federation_bridge.audit import AuditQuery
from federation_bridge.operate import audit_query, rulebook_versions
from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.company_files import TRIED_RULE
from federation_bridge.sandbox.scripted_user import ScriptedUser

EDIT, DECIDE = "/administration/edit", "/administration/changes/decision"
OWN = """  - id: {name}
    connection: company
    when: {{group: sales}}
    grant: {{role: "444455556666/ReadOnly"}}
"""
"""Nothing of it is marked: one person may put it in force."""


@dataclass(frozen=True)
class Answered:
    status: int
    location: str
    body: str


@dataclass(frozen=True)
class Tab:
    """A page that somebody has open: its fields, the address of the service and the cookies of the person."""

    host: str
    cookies: str
    fields: dict[str, str]

    def post(self, path: str, **fields: str) -> Answered:
        """What comes back when its form is sent with these fields; no redirect is followed."""
        body = urlencode(self.fields | fields)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": self.cookies}
        connection = http.client.HTTPConnection(self.host, timeout=60)
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            return Answered(answer.status, answer.headers.get("Location", ""), answer.read().decode())
        finally:
            connection.close()


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The company, whose bridge is a service of its own with two processes."""
    folder = tmp_path_factory.mktemp("company")
    two = lambda settings: settings.replace("workers: 1", "workers: 2")  # noqa: E731 - named for what it makes
    with company_at(folder, rulebook="database", edit_settings=two) as opened:
        yield opened
    log = (folder / "bridge.log").read_text()
    assert "Traceback" not in log


@pytest.fixture(scope="module")
def people(company: Company) -> dict[str, ScriptedUser]:
    found = {login: ScriptedUser(company, login) for login in ("ada", "fay")}
    for one in found.values():
        one.sign_in()
        one.administer()
    return found


def tab(person: ScriptedUser, path: str = EDIT, action: str = EDIT) -> Tab:
    """The page as it is now, open in a tab of the person."""
    page = person.open(path)
    address = urlsplit(page.url)
    cookies = "; ".join(f"{one.name}={one.value}" for one in person.browser.cookies if one.domain == address.hostname)
    return Tab(address.netloc, cookies, dict(page.form(action).fields) | texts_in(page.body))


def texts_in(body: str) -> dict[str, str]:
    """What stands in the large fields of a page."""
    found = re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>\n?(.*?)</textarea>', body, flags=re.DOTALL)
    return {name: html.unescape(text) for name, text in found}


def at_once(presses: Sequence[Callable[[], Answered]]) -> list[Answered]:
    """All of them in the same moment, each in a thread of its own."""
    begin = Barrier(len(presses))

    def press(one: Callable[[], Answered]) -> Answered:
        begin.wait(60)
        return one()

    with ThreadPoolExecutor(len(presses)) as pool:
        return list(pool.map(press, presses))


def history(company: Company) -> list[str]:
    return list(rulebook_versions.history(company.settings, 100))


def waiting(company: Company) -> list[str]:
    return [line.partition(" ")[0] for line in rulebook_versions.proposals(company.settings)]


def changed_by(company: Company, change: str) -> int:
    """How many versions the audit tells of that this change became."""
    found = audit_query.lines(company.settings, AuditQuery(event="rulebook.changed"), most=100)
    return sum(change in line for line in found)


def proposed(person: ScriptedUser, name: str) -> str:
    """The id of a change of production that waits, proposed by this person."""
    page = tab(person)
    rule = TRIED_RULE.replace("sales-reads-reports", name)
    answer = page.post(EDIT, rules=page.fields["rules"] + rule, reason=f"for {name}", do="save")
    assert answer.location.startswith("/administration/changes/"), answer.body
    return answer.location.rpartition("/")[2]


def decision(person: ScriptedUser, change: str) -> Tab:
    return tab(person, f"/administration/changes/{change}", DECIDE)


def test_of_many_yeses_at_once_one_makes_a_version(company: Company, people: dict[str, ScriptedUser]) -> None:
    before = len(history(company))
    change = proposed(people["ada"], "many")
    page = decision(people["fay"], change)
    answers = at_once([lambda: page.post(DECIDE, decision="approve", reason="looked")] * 8)
    assert sorted(one.status for one in answers) == [303] + [400] * 7, [one.status for one in answers]
    assert len(history(company)) == before + 1
    assert changed_by(company, change) == 1


def test_a_yes_and_a_no_at_once_are_one_of_them(company: Company, people: dict[str, ScriptedUser]) -> None:
    for number in range(4):
        before = len(history(company))
        change = proposed(people["ada"], f"both{number}")
        yes, no = decision(people["fay"], change), decision(people["ada"], change)
        answers = at_once(
            [
                lambda page=yes: page.post(DECIDE, decision="approve", reason="looked"),  # type: ignore[misc] # at once
                lambda page=no: page.post(DECIDE, decision="close", reason="not now"),  # type: ignore[misc] # at once
            ]
        )
        assert sorted(one.status for one in answers) == [303, 400]
        is_approved = answers[0].status == 303
        assert len(history(company)) == before + is_approved
        assert changed_by(company, change) == is_approved
        assert change not in waiting(company)


def test_a_yes_while_another_version_comes_into_force_is_for_what_was_looked_at(
    company: Company, people: dict[str, ScriptedUser]
) -> None:
    change = proposed(people["ada"], "overtaken")
    yes, other = decision(people["fay"], change), tab(people["ada"])
    rules = other.fields["rules"] + OWN.format(name="overtaking")
    before = len(history(company))
    answers = at_once(
        [
            lambda: yes.post(DECIDE, decision="approve", reason="looked"),
            lambda: other.post(EDIT, rules=rules, reason="meanwhile", do="save"),
        ]
    )
    assert sorted(one.status for one in answers) in ([303, 400], [303, 409]), [one.status for one in answers]
    assert len(history(company)) == before + 1
    now = tab(people["ada"]).fields["rules"]
    assert ("overtaken" in now, "overtaking" in now) in ((True, False), (False, True))
    if change in waiting(company):
        late = decision(people["fay"], change).post(DECIDE, decision="approve", reason="looked")
        assert "another version is in force by now" in late.body
        people["fay"].open(f"/administration/changes/{change}")
        decision(people["fay"], change).post(DECIDE, decision="close", reason="overtaken")


def test_of_two_saves_at_once_the_second_is_shown_what_the_first_changed(
    company: Company, people: dict[str, ScriptedUser]
) -> None:
    before = len(history(company))
    one, two = tab(people["ada"]), tab(people["fay"])
    answers = at_once(
        [
            lambda: one.post(EDIT, rules=one.fields["rules"] + OWN.format(name="first"), reason="a", do="save"),
            lambda: two.post(EDIT, rules=two.fields["rules"] + OWN.format(name="second"), reason="b", do="save"),
        ]
    )
    assert sorted(one.status for one in answers) == [303, 400]
    assert len(history(company)) == before + 1
    (refused,) = (one.body for one in answers if one.status == 400)
    assert "first" in refused and "second" in refused


def test_a_tab_of_yesterday_overwrites_nothing(company: Company, people: dict[str, ScriptedUser]) -> None:
    old = tab(people["ada"])
    new = tab(people["fay"])
    assert new.post(EDIT, rules=new.fields["rules"] + OWN.format(name="newer"), reason="a", do="save").status == 303
    before = history(company)
    refused = old.post(EDIT, reason="late", do="save")
    assert refused.status == 400
    assert "newer" in refused.body
    assert history(company) == before
    # The twin: the same press from a page of now.
    now = tab(people["ada"])
    assert now.post(EDIT, rules=now.fields["rules"] + OWN.format(name="late"), reason="a", do="save").status == 303


ASKED = [
    "?after=%ff",
    "?after=" + "9" * 200,
    "?before=99999999999",
    "?before=-1",
    "?from=-1",
    "?from=999999999",
    "?until=9999-12-31T23:59:59.999999-12:00",
    "?until=0001-01-01T00:00:00%2B14:00",
    "?since=now",
    "?kind=%00",
    "?file=../../etc/passwd",
    "?file=%ED%A0%80",
    "?account=%27%20OR%201=1--",
    "?q=" + "a%20" * 60,
    "?person=corp/" + quote("x" * 3000),
    "?cursor=W10=",
]


def test_no_query_of_a_page_is_a_fault_of_the_service(company: Company, people: dict[str, ScriptedUser]) -> None:
    paths = ["", *(f"/{one}" for one in ("rules", "accounts", "people", "audit", "findings", "review", "edit", "form"))]
    paths += ["/versions/1", "/versions/2147483648", "/versions/" + "9" * 30, "/people/company/p-1001"]
    for path in paths:
        for query in ASKED:
            page = people["ada"].open(f"/administration{path}{query}")
            assert page.status in (200, 303, 400, 404, 414), (path, query, page.status)


@pytest.mark.parametrize("path", [EDIT, "/administration/accounts/import", DECIDE])
def test_fifty_megabytes_are_refused_before_they_are_read(
    company: Company, people: dict[str, ScriptedUser], path: str
) -> None:
    page = tab(people["ada"])
    head = f"POST {path} HTTP/1.1\r\nHost: {page.host}\r\nCookie: {page.cookies}\r\nContent-Length: {50_000_000}\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    host, _, port = page.host.partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as wire:
        wire.sendall(head.encode() + b"rules=")
        assert wire.recv(65536).startswith(b"HTTP/1.1 413 ")
    assert people["ada"].open("/administration").status == 200


def test_a_body_that_does_not_come_holds_up_nobody_else(company: Company, people: dict[str, ScriptedUser]) -> None:
    page = tab(people["ada"])
    head = f"POST {EDIT} HTTP/1.1\r\nHost: {page.host}\r\nCookie: {page.cookies}\r\nContent-Length: 900000\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\n\r\nrules=version"
    host, _, port = page.host.partition(":")
    wires = [socket.create_connection((host, int(port)), timeout=60) for _ in range(40)]
    try:
        for wire in wires:
            wire.sendall(head.encode())
        began = time.monotonic()
        assert people["fay"].open("/administration").status == 200
        assert page.post(EDIT, do="check").status == 200
        assert time.monotonic() - began < 30
    finally:
        for wire in wires:
            wire.close()
