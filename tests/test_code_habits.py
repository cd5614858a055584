"""Habits of the product's code that a reader relies on: what decides, and what says why."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from package_modules import nodes

PACKAGE = Path(__file__).parent.parent / "federation_bridge"
MODULES = sorted(PACKAGE.rglob("*.py"))

FOREIGN = {
    "administration/told_words.py": "what a person typed",
    "sandbox/terminal.py": "what another program prints",
    "settings/words.py": "pydantic tells its own prefix in the text alone",
    "store/postgresql_server.py": "libpq tells nothing but a text",
}
"""Where words are looked for in a text that is not ours, and why."""

_TWO_WORDS = re.compile(r"[A-Za-z],? [A-Za-z]")
_LOOKING = {
    "startswith",
    "endswith",
    "find",
    "rfind",
    "index",
    "partition",
    "rpartition",
    "removeprefix",
    "removesuffix",
}
_OURS = {"detail", "public"}
"""The sentences of a refusal (`errors.py`)."""


def _name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def _constants(tree: ast.Module) -> dict[str, str]:
    """The texts that stand under a name at the top of a module."""
    return {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _looked_for(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Each pair of what is looked for, or compared, and of what it is looked for in."""
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
        yield node.left, node.comparators[0]
    elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
        yield from ((a, b) for a, b in ((node.left, node.comparators[0]), (node.comparators[0], node.left)) if _ours(b))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _LOOKING:
        yield from ((one, node.func.value) for one in node.args)


def _ours(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in _OURS


def decisions_by_words(source: str) -> list[int]:
    """The lines where words are looked for in a sentence."""
    tree = ast.parse(source)
    constants = _constants(tree)

    def text(node: ast.expr) -> str:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        if isinstance(node, ast.Tuple):
            return "\n".join(map(text, node.elts))
        return constants.get(node.id, "") if isinstance(node, ast.Name) else ""

    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare | ast.Call)
        for wanted, within in _looked_for(node)
        if (text(wanted) if _ours(within) else _TWO_WORDS.search(text(wanted)))
    ]


def test_nothing_is_decided_by_the_words_of_our_own_sentences() -> None:
    """A type, a field or a class of errors decides: whoever mends a sentence must not change what the program does."""
    found = {_name(path): decisions_by_words(path.read_text("utf-8")) for path in MODULES}
    assert sorted(name for name, lines in found.items() if lines) == sorted(FOREIGN)


@pytest.mark.parametrize(
    "line",
    [
        'x = "database" in refusal.detail',
        'x = "stands here twice" in problem',
        'x = refusal.detail.startswith("a")',
        '_FAILED = "the database failed: "\nx = problem.startswith(_FAILED)',
        'x = refusal.public == "No."',
        'x = line.startswith(("WRONG", "this is wrong"))',
    ],
)
def test_a_decision_by_words_is_seen(line: str) -> None:
    assert decisions_by_words(line)


@pytest.mark.parametrize(
    "line",
    ['x = name in ("a b", "c d")', 'x = line.startswith("Bearer ")', "x = told != refusal.detail", 'x = kind == "a b"'],
)
def test_what_is_no_sentence_is_let_be(line: str) -> None:
    assert not decisions_by_words(line)


def test_what_somebody_sends_or_asks_for_is_called_a_request() -> None:
    named = {
        f"{_name(path)}: {name}"
        for path in MODULES
        for node in nodes(path)
        for name in (getattr(node, "name", None) or getattr(node, "value", None),)
        if isinstance(name, str) and re.fullmatch(r"\w*Wish", name)
    }
    assert named == set()


_SILENCED = re.compile(r"# (noqa(?!.* - \w)|type: ignore(?!\[[\w, -]+\] +# \w))")
_SILENCED_IN_TESTS = re.compile(r"# (noqa(?!.* - \w)|type: ignore(?!\[[\w, -]+\]))")


def test_whatever_silences_a_check_says_why_on_its_line() -> None:
    """`# noqa: CODE - reason`, `# type: ignore[code] # reason`; the latter without its reason in a test."""
    files = [(path, _SILENCED) for path in MODULES]
    files += [(path, _SILENCED_IN_TESTS) for path in Path(__file__).parent.rglob("*.py") if path != Path(__file__)]
    found = [
        f"{path}:{number}"
        for path, silenced in files
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if silenced.search(line)
    ]
    assert found == []
