"""What people, audit and STS say of one another after an occurrence: each fault in words."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

from tests.benchmarks.bridge import SESSION
from tests.chaos.books import Books
from tests.chaos.employees import Employees
from tests.chaos.obliging_sts import key_of


def faults_of(employees: Employees, books: Books, asked: list[str]) -> Iterator[str]:
    """What should not have been; nothing where all is well. `asked`: the IDs of the grants with which STS was asked."""
    yield from (f"a wrong answer: {one}" for one in employees.answers.wrong()[:5])
    yield from [f"a day that failed: {day.failed}" for day in employees.days if day.failed][:5]
    if not any(day.session for day in employees.days):
        yield "nobody was let in: nothing was tried"
    yield from _of_people(employees)
    yield from _of_sign_ins(employees, books)
    yield from _of_grants(employees, books, asked)


def _of_people(employees: Employees) -> Iterator[str]:
    """Who was let in is in, in browser and terminal; who signed out is out."""
    for day in employees.days:
        if not day.session or day.signed_out is None:
            continue
        browser = employees.browser("reckoning", random.Random(day.person))
        try:
            browser.cookies[SESSION] = day.session
            status = browser.ask("GET", "/api/v1/me")[0]
            if status != (401 if day.signed_out else 200):
                yield f"{day.person} (signed out: {day.signed_out}) is answered {status}"
            if day.terminal and day.terminal.refresh_token and not day.signed_out:
                day.terminal.browser = browser
                if (whose := day.terminal.whose()) != f"{day.connection}/{day.person}":
                    yield f"the terminal of {day.person} is {whose}'s"
        finally:
            browser.close()


def _of_sign_ins(employees: Employees, books: Books) -> Iterator[str]:
    admitted = Counter(one.person for one in books.audit() if one.event == "sign_in.finished")
    if set(admitted.values()) != {1}:
        yield "somebody was let in twice"
    if not {f"{day.connection}/{day.person}" for day in employees.days if day.admissions} <= admitted.keys():
        yield "somebody is in whom no entry names"


def _of_grants(employees: Employees, books: Books, asked: list[str]) -> Iterator[str]:
    made = books.grants("grant.made")
    if set(made.values()) != {1}:
        yield "a grant was written down twice"
    if set(Counter(asked).values()) != {1}:
        yield "STS was asked twice for one grant"
    if not set(asked) <= made.keys():
        yield "STS was asked for what nobody had written down"
    if not {key for day in employees.days for key in day.keys} <= {key_of(grant) for grant in made}:
        yield "somebody has a key of no grant"
    for event in ("grant.redeemed", "grant.failed", "grant.outcome_unknown"):
        found = books.grants(event)
        if not set(found.values()) <= {1} or not found.keys() <= made.keys():
            yield f"{event} was written down twice, or of no grant"
