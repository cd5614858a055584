"""A person who is signed out and presses something, and what came of it; import these where they are needed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from administration_factories import browser
from databases import HeldClock
from web_factories import ACCOUNT, BASE, TOKEN, Person, door_of, write_files

from federation_bridge.bridge import token_hash
from federation_bridge.model import Groups, Identity, Session
from federation_bridge.web import cookies

OURS = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
ANEW = "cd" * 32
CONSOLE, CREDENTIALS = (f"/roles/{ACCOUNT}/Administrator/{what}" for what in ("console", "credentials"))
DOMAIN = "aws.example.com"


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    write_files(tmp_path)
    for person in browser(tmp_path, clock):
        person.sign_in(clock, "identity-team", "admins")
        yield person


def sign_in(
    person: Person, clock: HeldClock, *, subject: str = "ada", token: str = ANEW, confirmed: bool = True
) -> None:
    """Another sign-in in this browser, by ada or by somebody else."""
    now, groups = clock(), Groups(("identity-team", "admins"))
    identity = Identity(connection="corp", subject=subject, name=subject.title(), email="", groups=groups)
    session = Session(token_hash(token), identity, now, now, now + timedelta(hours=12), confirmed=confirmed)
    door_of(person.app).store.sessions.admit(session, "https://idp.example.com", f"_{token[:9]}{subject}{now}", now)
    person.client.set_cookie(cookies.SESSION, token, domain=DOMAIN, secure=True)


def expire(person: Person) -> None:
    """The session ends as time, an administrator or the provider ends it; the browser keeps its cookie."""
    door_of(person.app).store.sessions.end(token_hash(TOKEN))


def fields_of(page: str, action: str) -> list[tuple[str, str]]:
    """What the form for this address would send, as the page stands; a button may send its page's one form there."""
    if f'formaction="{action}"' in page:
        page = page.replace(
            'action="/"><input type="hidden" name="csrf', f'action="{action}"><input type="hidden" name="csrf'
        )
    (form,) = [one for one in page.split("<form")[1:] if f'action="{action}"' in one.partition(">")[0]][:1]
    form = form.partition("</form>")[0]
    inputs = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
    areas = re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL)
    return [(name, unescape(value)) for name, value in (*inputs, *areas)]


def press(person: Person, path: str, fields: list[tuple[str, str]], **headers: str) -> Any:
    sent: dict[str, list[str]] = {}
    for name, value in fields:
        sent.setdefault(name, []).append(value)
    return person.client.post(path, base_url=BASE, data=sent, headers=OURS | headers, buffered=True)


def way_back(page: Any) -> str:
    return dict(fields_of(page.text, "/sign-in"))["return_to"]


def events(person: Person, name: str) -> int:
    return sum(entry.event == name for entry in door_of(person.app).store.audit.entries())


def mark(person: Person) -> str:
    return dict(fields_of(person.get("/").text, "/sign-out"))["csrf_token"]
