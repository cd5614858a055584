"""The shape of the house: who may import whom, and where each library may be used."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "federation_bridge"
NAME = "federation_bridge"

LEVELS = {
    "addresses": 0,
    "aws_limits": 0,
    "aws_regions": 0,
    "claimed": 0,
    "durations": 0,
    "sentence": 0,
    "sign_in_checks": 0,
    "shown_text": 0,
    "redaction": 0,
    "line_difference": 0,
    "spelling": 0,
    "private_files": 0,
    "watched_file": 0,
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
    "connectors": 2,
    "directories": 2,
    "aws": 2,
    "rulebook": 2,
    "grant": 2,
    "administration": 3,
    "bridge": 3,
    "first_start": 3,
    "group_lookup": 3,
    "oauth": 3,
    "background": 3,
    "notices": 3,
    "upkeep": 3,
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
    "administration": {"notices"},
    "bridge": {"group_lookup"},
    "operate": {"app", "sandbox"},
    "private_files": {"errors"},
    "aws_limits": {"sentence", "shown_text"},
    "sign_in_checks": {"errors", "model"},
    "spelling": {"shown_text"},
    "settings": {"aws_limits", "durations", "errors", "private_files", "shown_text", "spelling"},
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
    "cli": {"model", "errors", "delivery", "durations", "shown_text"},
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
    "http": {"outgoing", "kept_connections", "sandbox", "cli"},
    "requests": {"outgoing", "connectors"},
    "socket": {"operate", "outgoing", "kept_connections", "sandbox"},
    "httptools": {"operate"},
    "asyncio": {"operate"},
    "ruamel": {"mapping"},
    "signxml": {"sandbox"},
    "moto": {"sandbox"},
}
"""Libraries that only these may use: each has one home."""


LONGEST_MODULE = 300
"""Lines. The reasons of those that are longer stand in docs/architecture.md."""


def _modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts)


def _part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def _ours(path: Path) -> set[str]:
    parts = {name.split(".")[1] for name in _imports(path) if name.startswith(f"{NAME}.")}
    return {part for part in parts if part in LEVELS}


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_the_levels_below_it(path: Path) -> None:
    part = _part(path)
    if part == "__init__":
        return
    assert part in LEVELS, f"{part} stands at no level: add it to the table, and say why in an ADR"
    allowed = {name for name, level in LEVELS.items() if level < LEVELS[part]} | {part} | SIBLINGS.get(part, set())
    if part in ONLY_LEVEL_0_BELOW:
        allowed = {name for name, level in LEVELS.items() if level == 0} | {part} | SIBLINGS.get(part, set())
    allowed = (ONLY[part] | {part}) if part in ONLY else allowed
    assert _ours(path) <= allowed


def test_the_page_of_the_architecture_names_every_part_at_its_level() -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\d) \| ([^|]*) \|", page, re.MULTILINE))
    assert {int(level): sorted(re.findall(r"`(\w+)`", names)) for level, names in rows.items()} == {
        level: sorted(part for part, found in LEVELS.items() if found == level) for level in range(6)
    }


@pytest.mark.parametrize("part", sorted(ONLY))
def test_the_page_of_the_architecture_says_who_may_import_few(part: str) -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    (said,) = re.findall(rf"but `{part}` only ((?:`\w+` ?)+)", page)
    assert sorted(re.findall(r"`(\w+)`", said)) == sorted(ONLY[part])


def test_a_module_is_short_or_the_page_of_the_architecture_says_why_it_is_not() -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    _, _, section = page.partition("### How long a module may be")
    reasons = dict(re.findall(r"^\| `([\w/]+\.py)` \| (.*\w.*) \|$", section.partition("\n#")[0], re.MULTILINE))
    lines = {str(path.relative_to(PACKAGE)): len(path.read_text(encoding="utf-8").splitlines()) for path in _modules()}
    # Neither a long module without a reason, nor a reason for one that is short by now.
    assert sorted(name for name, count in lines.items() if count > LONGEST_MODULE) == sorted(reasons)


def test_settings_are_read_in_one_place_and_secrets_in_another() -> None:
    reads = ("open(", "read_text(", "read_bytes(", "os.environ", "yaml.")
    found = {path.name for path in (PACKAGE / "settings").glob("*.py") if any(one in path.read_text() for one in reads)}
    assert found == {"reading.py", "secret.py"}


@pytest.mark.parametrize("package", ["audit", "audit/events", "bridge", "model", "outgoing", "settings"])
def test_the_door_of_a_package_gives_names_and_does_nothing(package: str) -> None:
    body = ast.parse((PACKAGE / package / "__init__.py").read_text(encoding="utf-8")).body
    given = (ast.Import, ast.ImportFrom, ast.Expr, ast.Assign, ast.AnnAssign, ast.ClassDef)
    assert not [node.lineno for node in body if not isinstance(node, given)]


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_library_is_used_only_where_it_has_its_home(path: Path) -> None:
    part = _part(path)
    for name in _imports(path):
        library = name.split(".")[0]
        assert part in LIBRARIES.get(library, {part}), f"{library} has no business in {part}"


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_private_key_is_handled_outside_of_its_room(path: Path) -> None:
    # Callers ask for a signature, so that a key may lie where nobody can read it. The person's own program and the
    # sandbox have keys of their own.
    if _part(path) not in {"signing", "sandbox", "cli"}:
        text = path.read_text(encoding="utf-8")
        handled = ("RSAPrivateKey", "load_pem_private_key", "private_bytes", "private_numbers", ".private.")
        assert [name for name in handled if name in text] == []


def test_importing_the_package_imports_nothing_of_it() -> None:
    assert _imports(PACKAGE / "__init__.py") == set()


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_check_is_written_as_an_assert_that_optimised_python_drops(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]


def test_a_grant_is_decided_in_one_place() -> None:
    called = {
        str(path.relative_to(PACKAGE))
        for path in _modules()
        if any(name in {f"{NAME}.grant.decide", f"{NAME}.model.grant.Grant"} for name in _imports(path))
        or re.search(r"(?<![\w.])Grant\(", path.read_text(encoding="utf-8"))
    }
    # `grant` makes it, `bridge/granting` has it decided: no door can skip the audit, the cap or a condition.
    assert called == {"grant.py", "bridge/granting.py", "model/__init__.py"}
