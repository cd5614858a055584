"""An application whose rulebook lies in the database, for tests of the pages for administrators."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from databases import HeldClock
from web_factories import Person, door_of, made_app, write_files

from federation_bridge.administration.rules import Change, Rules, apply
from federation_bridge.model import Author
from federation_bridge.rulebook import Known
from federation_bridge.rulebook.texts import Texts

MARKED = "second_person: {rules: [administrators]}\n"
MORE = """
administration:
  - {id: admins-of-this, as: administrator, connection: corp, when: {group: identity-team}}
  - {id: authors, as: author, connection: corp, when: {group: writers}, accounts: ["111122223333"]}
  - {id: auditors, as: auditor, connection: corp, when: {group: auditors}}
"""


def texts(folder: Path, more: str = MORE) -> Texts:
    return Texts((folder / "rules.yaml").read_text() + more, (folder / "accounts.yaml").read_text())


def browser(folder: Path, clock: HeldClock, more: str = MORE, **changes: Any) -> Iterator[Person]:
    """A browser of an application whose rulebook lies in the database."""
    app = made_app(folder, clock, rules=None, accounts=None, rulebook={"source": "database"}, **changes)
    here = door_of(app)
    rules = Rules(
        here.store.rulebook_versions, here.store.rulebook_proposals, Known(frozenset(here.settings.connections)), clock
    )
    apply(rules, texts(folder, more), Change(Author("the operator"), "the first", ""))
    yield Person(app, app.test_client())
    here.store.close()


def administrator_of_files(folder: Path, clock: HeldClock) -> Person:
    """Somebody who administers, at an application whose rulebook lies in files."""
    write_files(folder)
    app = made_app(folder, clock)
    (folder / "rules.yaml").write_text((folder / "rules.yaml").read_text() + MORE)
    person = Person(app, app.test_client())
    person.sign_in(clock, "identity-team")
    return person


def base_of(person: Person) -> str:
    stands = door_of(person.app).store.rulebook_versions.in_force()
    assert stands is not None
    return stands.digest


def text_in_force(person: Person) -> Texts:
    stands = door_of(person.app).store.rulebook_versions.in_force()
    assert stands is not None
    return Texts.from_kept(stands.text)
