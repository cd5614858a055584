"""A small company's directory: who works there, in which groups, with which password. For trying things out only."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date

from federation_bridge.errors import NotSignedIn


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the company, as its directory knows them."""

    login: str
    name: str
    subject: str
    """The directory's own identifier: a person keeps it for good, whatever becomes of name and address."""
    department: str
    groups: tuple[str, ...]
    story: str
    """One sentence for the people who try things out: who this is and what they may expect."""
    password: str = field(repr=False)
    is_assigned: bool = True
    """Whether the company lets this person use its applications at all."""

    @property
    def email(self) -> str:
        """The person's address."""
        return f"{self.login}@example.com"


_PEOPLE = (
    ("ada", "Ada Moss", "Platform", ("everyone", "platform-admins", "aws#111122223333#Developer"),
     "A platform administrator: administers production, over both roads to AWS, and the bridge."),
    ("bruno", "Bruno Hale", "Audit", ("everyone", "auditors"),
     "An auditor: may read, and only between the dates of the audit; sees how the bridge is administered."),
    ("carla", "Carla Voss", "Contractors", ("everyone", "contractors"),
     "A contractor: may use one role, which a session policy narrows further."),
    ("dan", "Dan Ortiz", "Sales", ("everyone", "sales"),
     "Works here, but no rule gives any role."),
    ("eve", "Eve Lund", "Leavers", (),
     "Has left: the directory still knows the password but lets nobody of that department in."),
    ("fay", "Fay Lind", "Identity", ("everyone", "identity-team"),
     "Administers the bridge, as Ada does, and has no role in AWS: the second person."),
    ("gus", "Gus Reed", "Analytics", ("everyone", "analytics-authors"),
     "An author: may change the rules of the account analytics, and nothing else."),
    ("hal", "Hal Brook", "Contractors", ("everyone", "contractors"),
     "A contractor as Carla is: when her access ends, his goes on."),
)  # fmt: skip


class Directory:
    """The people, found by login name or address. Passwords are made anew for each directory."""

    def __init__(self, people: tuple[Person, ...]) -> None:
        self._people = {person.login: person for person in people}
        self.listeners: list[Callable[[Person | None, Person], None]] = []
        """Are told of each change, before and after, while it is made."""

    def __iter__(self) -> Iterator[Person]:
        return iter(self._people.values())

    def __getitem__(self, login: str) -> Person:
        return self._people[login]

    def sign_in(self, login: str, password: str) -> Person:
        """The person with this login name (or address) and password; NotSignedIn for any other pair."""
        person = self._people.get(login.strip().lower().removesuffix("@example.com"))
        expected = person.password if person else secrets.token_urlsafe(9)
        if not hmac.compare_digest(expected.encode(), password.encode()) or person is None:
            raise NotSignedIn("wrong login name or password")
        return person

    def put(self, person: Person) -> None:
        """Adds the person, or takes over what changed about them (another group, another name)."""
        before = self._people.get(person.login)
        self._people[person.login] = person
        for listener in self.listeners:
            listener(before, person)

    def off_board(self, login: str) -> None:
        """The person has left: no application lets them in any more, and they are in no group."""
        self.put(replace(self[login], groups=(), is_assigned=False, story="Has left, and is let in no more."))

    def move(self, login: str, *groups: str) -> None:
        """The person is in these groups from now on, and in no other."""
        self.put(replace(self[login], groups=groups))


Row = tuple[str, str, str, tuple[str, ...], str]
"""Login, name, department, groups and story of somebody."""


def example_company(*more: Row) -> Directory:
    """A directory of eight people, and `more`, with random passwords, which whoever starts it may print."""
    return Directory(
        tuple(
            Person(login, name, f"p-{1001 + number}", department, groups, story, secrets.token_urlsafe(9), bool(groups))
            for number, (login, name, department, groups, story) in enumerate((*_PEOPLE, *more))
        )
    )


def audit_dates(today: date) -> tuple[date, date]:
    """First and last day of the audit that is going on in the example company."""
    return date.fromordinal(today.toordinal() - 7), date.fromordinal(today.toordinal() + 21)
