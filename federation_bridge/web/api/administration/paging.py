"""How lists page: `limit` entries at once, and `next`, a cursor for the rest; one form for all lists."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TypeVar

from flask import Response, jsonify, request

from federation_bridge.audit import AuditQuery, Recorded
from federation_bridge.errors import BadRequest
from federation_bridge.model import JsonObject
from federation_bridge.web.administration.page import argument
from federation_bridge.web.api.administration.call import number_of

DEFAULT_LIMIT = 100
MOST_LIMIT = 500
ARGUMENTS = ("limit", "cursor")
_MOST_CURSOR = 2_048
_MOST_SEEN = 2**31
"""A cursor is not secret: whoever writes one shall not ask for more than can be counted."""
_MICROSECOND = timedelta(microseconds=1)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of a list is asked for."""

    limit: int
    after: tuple[str | int, ...]
    """Where the page before ended, in the words of the list; empty at the beginning."""
    bound: str
    """Digest of the list and of its filters: a cursor of another question is refused."""


def asked(kinds: Sequence[type], about: str = "") -> Asked:
    """What the query asks for. `kinds` are the types of a position; a cursor holds for `about` alone.

    BadRequest for a limit out of bounds, and for a cursor that is none of this list and of these filters.
    """
    limit = number_of("limit")
    if limit is not None and not 1 <= limit <= MOST_LIMIT:
        raise BadRequest(f"limit is a number from 1 to {MOST_LIMIT}")
    filters = sorted((name, value) for name, value in request.args.items() if name not in ARGUMENTS)
    bound = hashlib.sha256(json.dumps([request.path, filters, about]).encode()).hexdigest()[:16]
    cursor = argument("cursor", most=_MOST_CURSOR)
    return Asked(limit or DEFAULT_LIMIT, _read(cursor, bound, kinds) if cursor else (), bound)


def _read(cursor: str, bound: str, kinds: Sequence[type]) -> tuple[str | int, ...]:
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
    except (ValueError, binascii.Error, RecursionError):
        raise BadRequest("the cursor is none of ours") from None
    if not isinstance(found, list) or [type(one) for one in found] != [str, *kinds]:
        raise BadRequest("the cursor is none of this list")
    if found[0] != bound:
        raise BadRequest("the cursor is of a list with other filters, or of what has changed since: begin anew")
    return tuple(found[1:])


def answered(
    items: Iterable[T], told: Callable[[T], JsonObject], asked: Asked, position: Callable[[T], tuple[str | int, ...]]
) -> Response:
    """One page of these items, and where the next one begins; `items` begin after `asked.after`."""
    shown = list(islice(items, asked.limit + 1))
    last = shown[asked.limit - 1] if len(shown) > asked.limit else None
    following = None if last is None else _cursor(asked, position(last))
    return jsonify(items=[told(one) for one in shown[: asked.limit]], next=following)


def followed(
    items: Iterable[T], told: Callable[[T], JsonObject], asked: Asked, following: tuple[str | int, ...] | None
) -> Response:
    """One page of a list of which the store says where the next page begins: a forged row leaves it shorter."""
    return jsonify(items=[told(one) for one in items], next=None if following is None else _cursor(asked, following))


def _cursor(asked: Asked, position: tuple[str | int, ...]) -> str:
    return base64.urlsafe_b64encode(json.dumps([asked.bound, *position]).encode()).decode()


def by_place(items: Sequence[T], told: Callable[[T], JsonObject], about: str) -> Response:
    """A page of a list that is whole in memory; `about` names what it was made from."""
    page = asked((int,), about)
    begin = max(int(page.after[0]), 0) if page.after else 0
    numbered = enumerate(items[begin:], begin + 1)
    return answered(numbered, lambda one: told(one[1]), page, lambda one: (one[0],))


def by_time(
    found: Callable[[AuditQuery], Iterator[Recorded]], query: AuditQuery, told: Callable[[Recorded], JsonObject]
) -> Response:
    """A page of entries, the newest first. None falls between two pages, however many were made in one instant."""
    page = asked((str, int))
    at, seen = _instant(page.after)
    if at is not None:
        query = replace(query, until=at + _MICROSECOND)
    entries = islice(found(query), seen, None)
    places = _Places(at, seen)
    return answered(map(places.noted, entries), lambda one: told(one[0]), page, lambda one: one[1])


def _instant(after: tuple[str | int, ...]) -> tuple[datetime | None, int]:
    if not after:
        return None, 0
    try:
        found = datetime.fromisoformat(str(after[0]))
        # What cannot be moved by a zone or a microsecond is no time of an entry.
        return (found.astimezone(UTC) + _MICROSECOND) - _MICROSECOND, min(max(int(after[1]), 0), _MOST_SEEN)
    except (ValueError, OverflowError):
        raise BadRequest("the cursor is none of this list") from None


class _Places:
    """Where each entry stands: its instant, and how many of that instant came up to it."""

    def __init__(self, at: datetime | None, seen: int) -> None:
        self._at, self._seen = at, seen

    def noted(self, entry: Recorded) -> tuple[Recorded, tuple[str, int]]:
        """The entry with its place."""
        self._seen = self._seen + 1 if entry.at == self._at else 1
        self._at = entry.at
        return entry, (entry.at.isoformat(), self._seen)


def texts(names: Iterable[str]) -> Mapping[str, str]:
    """What the query says under these names, "" where it says nothing."""
    return {name: argument(name) for name in names}
