"""How long a module, a class and a function may be, and where the reason stands of what is longer."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from package_modules import MODULES, PACKAGE, name_of, nodes

LONGEST_MODULE = 300
"""Lines. The reasons of those that are longer stand in docs/architecture.md, of tests in their docstrings."""
MOST_VERBS = 8
"""Public methods of a class that are no properties."""
LONGEST_FUNCTION = 40
"""Lines, with its name and its docstring."""

TESTS = Path(__file__).parent
_REASON = f"is longer than {LONGEST_MODULE} lines because "
"""How the docstring of such a module of tests begins its reason."""


def test_a_module_is_short_or_the_page_of_the_architecture_says_why_it_is_not() -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    _, _, section = page.partition("### How long a module may be")
    reasons = dict(re.findall(r"^\| `([\w/]+\.py)` \| (.*\w.*) \|$", section.partition("\n#")[0], re.MULTILINE))
    lines = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    # Neither a long module without a reason, nor a reason for one that is short by now.
    assert sorted(name for name, count in lines.items() if count > LONGEST_MODULE) == sorted(reasons)
    for name in reasons:
        told = ast.get_docstring(ast.parse((PACKAGE / name).read_text(encoding="utf-8"))) or ""
        assert "because" in told and "docs/architecture.md" in told, name


def test_a_module_of_tests_is_short_or_its_docstring_says_why_it_is_not() -> None:
    texts = {
        path.relative_to(TESTS).as_posix(): path.read_text(encoding="utf-8")
        for path in TESTS.rglob("*.py")
        if "node_modules" not in path.parts
    }
    long = {name for name, text in texts.items() if len(text.splitlines()) > LONGEST_MODULE}
    reasons = {name for name, text in texts.items() if _REASON in (ast.get_docstring(ast.parse(text)) or "")}
    # Neither a long module without a reason, nor a reason for one that is short by now.
    assert sorted(long) == sorted(reasons)


def test_a_class_has_few_verbs_or_the_page_of_the_architecture_says_why_it_has_more() -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    _, _, section = page.partition("### How many verbs a class may have")
    reasons = re.findall(r"^\| `([\w/]+\.py)` `(\w+)` \| .*\w.* \|$", section.partition("\n#")[0], re.MULTILINE)
    many = [
        (name_of(path), node.name)
        for path in MODULES
        for node in nodes(path)
        if isinstance(node, ast.ClassDef) and sum(map(_is_verb, node.body)) > MOST_VERBS
    ]
    # Neither one with many verbs and no reason, nor a reason for one that has few by now.
    assert sorted(many) == reasons


def _is_verb(node: ast.stmt) -> bool:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
        return False
    return not {"property", "cached_property"} & {ast.unparse(one) for one in node.decorator_list}


def test_a_function_is_short() -> None:
    long = {
        f"{name_of(path)} {node.name}"
        for path in MODULES
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    }
    # The one decision about a grant is read from top to bottom.
    assert long == {"bridge/granting.py grant"}
