"""Accounts as others list them: the output of `aws organizations`, and tables in CSV.

What comes from outside is held to the register's own rules before anything is compared: each mistake has its file and
line, in a table the number of its cell as the column.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from federation_bridge.administration.spreadsheet import is_formula
from federation_bridge.errors import ConfigurationInvalid, Mistake
from federation_bridge.mapping.account_details import (
    parse_color,
    parse_description,
    parse_environment,
    parse_tags,
)
from federation_bridge.mapping.document import Node, did_you_mean, read_document, refuse, text
from federation_bridge.mapping.mistakes import Mistakes
from federation_bridge.mapping.positions import Position
from federation_bridge.mapping.register import parse_account_id, parse_account_name, parse_partition
from federation_bridge.mapping.registered_roles import parse_role_name

FORMS = ("organizations", "csv")
"""How a list may be written."""
MOST_BYTES = 10_000_000
"""Of all files together."""
_MOST_ACCOUNTS = 20_000
_ENDED = frozenset({"SUSPENDED", "PENDING_CLOSURE", "CLOSED"})
"""`State`, and `Status` of older outputs: nobody gets into such an account any more."""
_STATES = _ENDED | {"ACTIVE", "PENDING_ACTIVATION"}
_NAMES = {"account id": "id", "account name": "name", "colour": "color", "state": "status"}
"""What a column is called elsewhere."""
_COLUMNS = ("id", "name", "status", "environment", "color", "partition", "description", "roles")
_UNUSED = ("email", "arn", "joined method", "joined timestamp", "joined date", "path", "paths")
"""Columns that exports have and a register has not."""
_TAG = "tag:"
_NOWHERE = Position(1, 1)
_ARN = re.compile(r"arn:(?P<partition>[a-z-]+):organizations::")
_ID_IN_NAME = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")


@dataclass(frozen=True, slots=True)
class GivenAccount:
    """One account of a list. What the list says nothing of is empty."""

    id: str
    name: str = ""
    where: Position = _NOWHERE
    has_ended: bool = False
    """Suspended or closed."""
    environment: str = ""
    color: str = ""
    partition: str = ""
    description: str = ""
    roles: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GivenAccounts:
    """What all lists say together."""

    accounts: Mapping[str, GivenAccount]
    is_whole: bool = True
    """False where a list says itself that more pages follow: then nothing can be said about what is missing."""
    tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By account, of the outputs that tell tags alone."""


def read_accounts(files: Sequence[tuple[str, str]], form: str = "") -> GivenAccounts:
    """The accounts in these texts, each behind the name of its file; every mistake is told, ConfigurationInvalid.

    `form`: `organizations` or `csv`; "": by what each text begins with.
    """
    if sum(len(written) for _, written in files) > MOST_BYTES:
        raise ConfigurationInvalid(f"the files have more than {MOST_BYTES} characters: import them in parts")
    reading = _Reading()
    for name, written in files:
        with reading.mistakes.collected():
            if form == "organizations" or (not form and written.lstrip("\ufeff \t\r\n")[:1] in ("{", "[")):
                reading.organizations(name, written)
            else:
                reading.table(name, written)
    reading.mistakes.told()
    if not reading.accounts and not reading.tags:
        raise ConfigurationInvalid("the files name no account")
    return GivenAccounts(reading.accounts, reading.is_whole, reading.tags)


class _Reading:
    """What was read so far."""

    def __init__(self) -> None:
        self.mistakes = Mistakes()
        self.accounts: dict[str, GivenAccount] = {}
        self.tags: dict[str, Mapping[str, str]] = {}
        self.is_whole = True

    def organizations(self, name: str, written: str) -> None:
        """The pages of one text: list-accounts, list-accounts-for-parent, list-tags-for-resource."""
        for page in _pages(name, written.removeprefix("\ufeff")):
            with self.mistakes.collected():
                self._page(name, page)

    def _page(self, name: str, page: Node) -> None:
        entries = page.value if isinstance(page.value, Mapping) else {}
        listed, tags = (entries.get(key) for key in ("Accounts", "Tags"))
        if listed is not None and isinstance(listed.value, tuple):
            for one in listed.value:
                with self.mistakes.collected():
                    self._add(self._account(one))
        elif tags is not None and isinstance(tags.value, tuple):
            self._tags_alone(name, tags)
        else:
            refuse(
                page,
                "this is not the output of `aws organizations` "
                "list-accounts, list-accounts-for-parent or list-tags-for-resource",
            )
        following = entries.get("NextToken")
        self.is_whole = following is None or following.value in ("", "null")

    def _account(self, node: Node) -> GivenAccount:
        entry = node.value if isinstance(node.value, Mapping) else {}
        if "Id" not in entry:
            refuse(node, "an account needs `Id`")
        arn = entry.get("Arn")
        found = _ARN.match(arn.value) if arn is not None and isinstance(arn.value, str) else None
        state = entry.get("State") or entry.get("Status")
        tags = entry.get("Tags")
        return GivenAccount(
            self._read(entry["Id"], parse_account_id),
            self._read(entry["Name"], parse_account_name) if "Name" in entry else "",
            node.position,
            has_ended=state is not None and self.mistakes.read(lambda: _has_ended(state), instead=False),
            partition=found["partition"] if found else "",
            tags={} if tags is None else self._pairs(tags),
        )

    def _tags_alone(self, name: str, tags: Node) -> None:
        found = _ID_IN_NAME.findall(name.rpartition("/")[2])
        if len(found) != 1:
            refuse(tags, "tags do not say of which account they are: put its id into the name of the file")
        self.tags[found[0]] = self._pairs(tags)

    def _pairs(self, tags: Node) -> Mapping[str, str]:
        pairs: dict[str, Node] = {}
        for one in tags.value if isinstance(tags.value, tuple) else ():
            entry = one.value if isinstance(one.value, Mapping) else {}
            key, value = entry.get("Key"), entry.get("Value")
            if key is None or value is None or not isinstance(key.value, str):
                refuse(one, "a tag needs `Key` and `Value`")
            # AWS's own are no tags of the operator.
            if not key.value.casefold().startswith("aws:"):
                pairs[key.value] = Node(value.position, value.value, name_position=key.position)
        return self._checked_tags(tags.position, pairs)

    def _checked_tags(self, place: Position, pairs: Mapping[str, Node]) -> Mapping[str, str]:
        for node in pairs.values():
            with self.mistakes.collected():
                _refuse_formula(node)
        return parse_tags(Node(place, pairs), self.mistakes)

    def table(self, name: str, written: str) -> None:
        """The rows of one table with a head."""
        rows = _rows(name, written.removeprefix("\ufeff"))
        line, head = next(rows, (1, []))
        columns = _columns(name, line, head)
        for line, row in rows:
            with self.mistakes.collected():
                if len(row) != len(columns):
                    here, due = str(len(row)), str(len(columns))
                    refuse(
                        Position(line, 1, name), "it has %(here)s cells, and the first row %(due)s", here=here, due=due
                    )
                cells = {
                    column: Node(Position(line, at, name), cell)
                    for at, (column, cell) in enumerate(zip(columns, row, strict=True), 1)
                    if cell
                }
                self._add(self._row(cells, Position(line, 1, name)))

    def _row(self, cells: Mapping[str, Node], where: Position) -> GivenAccount:
        def one(column: str, parse: Callable[[Node], str]) -> str:
            return self._read(cells[column], parse) if column in cells else ""

        if "id" not in cells:
            refuse(where, "the row needs an id")
        state, tags = cells.get("status"), {key: node for key, node in cells.items() if key.startswith(_TAG)}
        pairs = {key.removeprefix(_TAG): node for key, node in tags.items()}
        listed = str(cells["roles"].value).replace(";", " ").split() if "roles" in cells else ()
        return GivenAccount(
            one("id", parse_account_id),
            one("name", parse_account_name),
            where,
            has_ended=state is not None and self.mistakes.read(lambda: _has_ended(state), instead=False),
            environment=one("environment", parse_environment),
            color=one("color", parse_color),
            partition=one("partition", parse_partition),
            description=one("description", parse_description),
            roles=tuple(self._read(Node(cells["roles"].position, role), parse_role_name) for role in listed),
            tags=self._checked_tags(where, pairs),
        )

    def _read(self, node: Node, parse: Callable[[Node], str]) -> str:
        def checked() -> str:
            _refuse_formula(node)
            return parse(node)

        return self.mistakes.read(checked, "")

    def _add(self, account: GivenAccount) -> None:
        first = self.accounts.setdefault(account.id, account)
        if account.id and first is not account:
            where = first.where.words
            refuse(account.where, "account %(id)s stands here twice, first in %(where)s", id=account.id, where=where)
        if len(self.accounts) > _MOST_ACCOUNTS:
            refuse(account.where, "more than %(most)s accounts are given", most=str(_MOST_ACCOUNTS))


def _columns(name: str, line: int, head: Sequence[str]) -> list[str]:
    mistakes = Mistakes()
    found: list[str] = []
    for at, cell in enumerate(head, 1):
        with mistakes.collected():
            place = Position(line, at, name)
            plain = cell.casefold().strip()
            column = cell if cell.startswith(_TAG) else _NAMES.get(plain, plain)
            if not column.startswith(_TAG) and column not in (*_COLUMNS, *_UNUSED):
                refuse(place, "unknown column %(cell)s%(near)s", cell=repr(cell), near=did_you_mean(column, _COLUMNS))
            if column in found:
                refuse(place, "column %(cell)s stands here twice", cell=repr(cell))
            found.append(column)
    mistakes.told()
    if "id" not in found:
        refuse(Position(line, 1, name), "the first row needs a column `id`")
    return found


def _refuse_formula(node: Node) -> None:
    if isinstance(node.value, str) and is_formula(node.value):
        refuse(node, "%(first)s begins like a formula, which a spreadsheet would compute", first=repr(node.value[:20]))


def _has_ended(node: Node) -> bool:
    state = text(node, "a state").upper().replace(" ", "_")
    if state not in _STATES:
        near = did_you_mean(state, _STATES)
        refuse(node, "%(value)s is not the state of an account%(near)s", value=repr(node.value), near=near)
    return state in _ENDED


def _pages(name: str, written: str) -> Iterator[Node]:
    """The JSON documents of a text, one behind the other, each as a tree with its places in the whole text."""
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    at = _skipped(written, 0)
    while at < len(written):
        try:
            _, end = decoder.raw_decode(written, at)
        except json.JSONDecodeError as problem:
            raise ConfigurationInvalid(
                Mistake(f"this is not JSON: {problem.msg}", problem.lineno, problem.colno, name)
            ) from None
        except (ValueError, RecursionError) as problem:
            line = written.count("\n", 0, at) + 1
            raise ConfigurationInvalid(Mistake(f"this is not JSON: {problem}", line, 1, name)) from None
        # JSON is YAML, and our reader of YAML knows places and refuses a name that stands twice.
        before = "\n" * written.count("\n", 0, at) + " " * (at - written.rfind("\n", 0, at) - 1)
        yield read_document(before + written[at:end], name)
        at = _skipped(written, end)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _skipped(written: str, at: int) -> int:
    while at < len(written) and written[at] in " \t\r\n":
        at += 1
    return at


def _rows(name: str, written: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that hold anything, each with the line where it ends."""
    reader = csv.reader(io.StringIO(written, newline=""), strict=True)
    try:
        for row in reader:
            if any(row):
                yield reader.line_num, row
    except csv.Error as problem:
        raise ConfigurationInvalid(Mistake(f"this is not CSV: {problem}", max(reader.line_num, 1), 1, name)) from None
