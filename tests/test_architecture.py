"""The shape of the house: who may import whom, and where each library may be used."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from package_modules import MODULES, PACKAGE, name_of, nodes

NAME = "federation_bridge"

LEVELS = {
    "addresses": 0,
    "aws_limits": 0,
    "aws_regions": 0,
    "claimed": 0,
    "console_pages": 0,
    "durations": 0,
    "sentence": 0,
    "sign_in_checks": 0,
    "shown_text": 0,
    "redaction": 0,
    "fault_report": 0,
    "role_search": 0,
    "line_difference": 0,
    "spelling": 0,
    "private_files": 0,
    "file_owners": 0,
    "watched_file": 0,
    "system_clock": 0,
    "model": 0,
    "errors": 0,
    "settings": 0,
    "observers": 0,
    "mapping": 1,
    "delivery": 1,
    "audit": 1,
    "signing": 1,
    "outgoing": 1,
    "kept_connections": 1,
    "store": 1,
    "pending_sign_in": 1,
    "provider_material": 1,
    "connectors": 2,
    "directories": 2,
    "aws": 2,
    "rulebook": 2,
    "grant": 2,
    "administration": 3,
    "aws_endings": 3,
    "bridge": 3,
    "ending": 3,
    "errands": 3,
    "first_start": 3,
    "group_lookup": 3,
    "oauth": 3,
    "provisioning": 3,
    "background": 3,
    "notices": 3,
    "operator_notices": 3,
    "provider_events": 3,
    "upkeep": 3,
    "keys_and_endings": 4,
    "web": 4,
    "aws_clients": 4,
    "cli": 4,
    "app": 5,
    "sandbox": 5,
    "operate": 5,
}
"""Each module or package of ours and its level; a module that stands in no row fails the test."""

SIBLINGS = {
    "store": {"mapping", "audit"},
    "connectors": {"signing", "outgoing"},
    "directories": {"outgoing"},
    "kept_connections": {"outgoing"},
    "aws": {"signing", "kept_connections"},
    "rulebook": {"mapping"},
    "background": {"connectors", "store"},
    "operator_notices": {"administration", "errands", "upkeep"},
    "administration": {"ending", "notices", "provisioning"},
    "bridge": {"ending", "group_lookup"},
    "oauth": {"ending"},
    "provider_events": {"bridge", "ending"},
    "provisioning": {"ending"},
    "operate": {"app", "sandbox"},
    "private_files": {"errors"},
    "file_owners": {"errors"},
    "console_pages": {"errors", "redaction"},
    "fault_report": {"redaction"},
    "aws_limits": {"sentence", "shown_text"},
    "aws_regions": {"sentence"},
    "durations": {"sentence"},
    "sign_in_checks": {"errors", "model", "sentence"},
    "upkeep": {"administration", "connectors", "settings", "signing", "store"},
    "spelling": {"shown_text"},
    "settings": {"aws_limits", "durations", "errors", "file_owners", "private_files", "shown_text", "spelling"},
    "claimed": {"model", "shown_text"},
    "sandbox": {"app"},
    "aws_clients": {"web"},
}
"""What a part may import beside level 0. A part without a row imports every level below its own."""

ONLY_LEVEL_0_BELOW = {
    "mapping",
    "delivery",
    "audit",
    "signing",
    "outgoing",
    "kept_connections",
    "store",
    "connectors",
    "directories",
    "aws",
    "rulebook",
}
ONLY = {
    "cli": {"console_pages", "model", "errors", "delivery", "durations", "fault_report", "role_search", "shown_text"},
    "sandbox": {"app", "model", "errors", "settings", "durations"},
}

LIBRARIES = {
    "flask": {"app", "web", "aws_clients", "sandbox"},
    "flask_babel": {"app", "web"},
    "boto3": {"aws", "sandbox"},
    "botocore": {"aws", "sandbox"},
    "onelogin": {"connectors", "aws", "sandbox"},
    "xmlsec": {"connectors", "aws", "sandbox"},
    "authlib": {"connectors", "aws", "sandbox"},
    "sqlalchemy": {"store"},
    "alembic": {"store"},
    "psycopg": {"store"},
    "urllib3": {"outgoing"},
    "http": {"outgoing", "kept_connections", "sandbox", "cli", "operate"},
    "requests": {"outgoing", "connectors"},
    "smtplib": {"outgoing", "operator_notices"},
    "socket": {"operate", "outgoing", "kept_connections", "sandbox"},
    "httptools": {"operate"},
    "asyncio": {"operate"},
    "ruamel": {"mapping"},
    "scim2_models": {"web"},
    "signxml": {"sandbox"},
    "moto": {"sandbox"},
}
"""Libraries that only these may use: each has one home."""


def _part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def _imports(path: Path) -> frozenset[str]:
    found: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(found)


def _ours(path: Path) -> set[str]:
    parts = {name.split(".")[1] for name in _imports(path) if name.startswith(f"{NAME}.")}
    return {part for part in parts if part in LEVELS}


def _importable(part: str) -> set[str]:
    if part in ONLY:
        return ONLY[part] | {part}
    below = 1 if part in ONLY_LEVEL_0_BELOW else LEVELS[part]
    return {name for name, level in LEVELS.items() if level < below} | {part} | SIBLINGS.get(part, set())


def test_every_part_stands_at_a_level() -> None:
    """One that does not: add it to the table, and say why in an ADR."""
    assert {_part(path) for path in MODULES} - {"__init__"} - set(LEVELS) == set()


def test_a_module_imports_only_from_the_levels_below_it() -> None:
    too_many = {name_of(path): _ours(path) - _importable(_part(path)) for path in MODULES if _part(path) in LEVELS}
    assert {module: parts for module, parts in too_many.items() if parts} == {}


def test_the_page_of_the_architecture_names_every_part_at_its_level() -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\d) \| ([^|]*) \|", page, re.MULTILINE))
    assert {int(level): sorted(re.findall(r"`(\w+)`", names)) for level, names in rows.items()} == {
        level: sorted(part for part, found in LEVELS.items() if found == level) for level in range(6)
    }


def test_the_page_of_the_architecture_says_who_may_import_which_siblings() -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    said: dict[str, set[str]] = {}
    for row in re.findall(r"^\| [1-5] \| [^|]* \| ([^|]*) \|$", page, re.MULTILINE):
        # "`a` also `b` and `c`, `d` also `e`; ...": before each "also", behind the last mark, stands who may.
        parts = row.split(" also ")
        subjects = [re.split(r"[,;] ", part)[-1] for part in parts[:-1]]
        objects = [part.removesuffix(who) for part, who in zip(parts[1:], [*subjects[1:], ""], strict=True)]
        for who, whom in zip(subjects, objects, strict=True):
            names = set(re.findall(r"`(\w+)`", whom.partition(";")[0]))
            said |= dict.fromkeys(re.findall(r"`(\w+)`", who), names)
    allowed = {
        part: {name for name in siblings if LEVELS[name] >= (1 if part in ONLY_LEVEL_0_BELOW else LEVELS[part])}
        for part, siblings in SIBLINGS.items()
        if LEVELS[part] and part not in ONLY
    }
    assert said == {part: names for part, names in allowed.items() if names}


@pytest.mark.parametrize("part", sorted(ONLY))
def test_the_page_of_the_architecture_says_who_may_import_few(part: str) -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    (said,) = re.findall(rf"but `{part}` only ((?:`\w+` ?)+)", page)
    assert sorted(re.findall(r"`(\w+)`", said)) == sorted(ONLY[part])


def test_settings_are_read_in_one_place_and_secrets_in_another() -> None:
    reads = ("open(", "read_text(", "read_bytes(", "os.environ", "yaml.")
    found = {path.name for path in (PACKAGE / "settings").glob("*.py") if any(one in path.read_text() for one in reads)}
    assert found == {"reading.py", "secret.py"}


@pytest.mark.parametrize("package", ["audit", "audit/events", "bridge", "model", "outgoing", "settings"])
def test_the_door_of_a_package_gives_names_and_does_nothing(package: str) -> None:
    body = ast.parse((PACKAGE / package / "__init__.py").read_text(encoding="utf-8")).body
    given = (ast.Import, ast.ImportFrom, ast.Expr, ast.Assign, ast.AnnAssign, ast.ClassDef)
    assert not [node.lineno for node in body if not isinstance(node, given)]


def test_a_library_is_used_only_where_it_has_its_home() -> None:
    astray = {
        (name_of(path), library)
        for path in MODULES
        for library in {name.split(".")[0] for name in _imports(path)}
        if _part(path) not in LIBRARIES.get(library, {_part(path)})
    }
    assert astray == set()


def test_no_private_key_is_handled_outside_of_its_room() -> None:
    # Callers ask for a signature, so that a key may lie where nobody can read it. The person's own program and the
    # sandbox have keys of their own.
    handled = re.compile(r"RSAPrivateKey|load_pem_private_key|private_bytes|private_numbers|\.private\.")
    outside = [path for path in MODULES if _part(path) not in {"signing", "sandbox", "cli"}]
    found = {name_of(path): handled.findall(path.read_text(encoding="utf-8")) for path in outside}
    assert {module: names for module, names in found.items() if names} == {}


def test_importing_the_package_imports_nothing_of_it() -> None:
    assert _imports(PACKAGE / "__init__.py") == set()


def test_no_check_is_written_as_an_assert_that_optimised_python_drops() -> None:
    assert {name_of(path) for path in MODULES if any(isinstance(node, ast.Assert) for node in nodes(path))} == set()


def test_a_grant_is_decided_in_one_place() -> None:
    called = {
        name_of(path)
        for path in MODULES
        if any(name in {f"{NAME}.grant.decide", f"{NAME}.model.grant.Grant"} for name in _imports(path))
        or re.search(r"(?<![\w.])Grant\(", path.read_text(encoding="utf-8"))
    }
    # `grant` makes it, `bridge/granting` has it decided: no door can skip the audit, the cap or a condition. The line
    # of the ledger is taken from one that was made. `aws/revoker` makes the one of the bridge itself: the role is fixed
    # by a setting and stands in no register, and its subject is nobody's.
    assert called == {"grant.py", "bridge/granting.py", "aws/revoker.py", "model/__init__.py", "model/live_grant.py"}


def test_who_asks_and_from_where_go_together() -> None:
    """A `Caller` is bound once at a door; a session beside an origin could be of somebody else's request."""
    apart = {
        f"{name_of(path)} {function.name}"
        for path in MODULES
        for function in nodes(path)
        if isinstance(function, ast.FunctionDef)
        and {"Session", "RequestOrigin"}
        <= {ast.unparse(one.annotation) for one in (*function.args.args, *function.args.kwonlyargs) if one.annotation}
    }
    assert apart == set()
