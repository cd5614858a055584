"""No browser test reads what it has not waited for: between a press and a reading stands something that waits.

A press returns before the next page is there. What is read then is the old page, a half of the new one, or one without
its styles, and which of them depends on how busy the machine is. An address that is typed then meets the page that the
press leads to: one interrupts the other.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

BROWSER = Path(__file__).parent / "browser"
PRESSES = {"press", "press_for", "press_by_keyboard", "click", "type_password", "follow_link_elsewhere", "submit"}
READS = {"evaluate", "inner_text", "text_content", "all", "get_attribute", "input_value", "content", "all_inner_texts"}
WAITS = {
    *("shows", "shows_console_of", "is_at", "expect", "answer", "fill"),
    *("wait_for", "wait_for_load_state", "wait_for_url", "wait_for_selector"),
}
OPENS = {"open", "goto", "reload", "sign_in", "arrive", "go_back", "sign_in_to_administer"}
"""They wait for the page that they lead to."""
READ_ATTRIBUTES = {"roles", "url"}


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _steps(function: ast.FunctionDef) -> Iterator[tuple[int, str, str]]:
    """What the function does, in the order in which it stands: line, a kind (press, read, wait, open), and its name."""
    found = []
    for node in ast.walk(function):
        where = (getattr(node, "end_lineno", 0), getattr(node, "end_col_offset", 0))
        if isinstance(node, ast.Call):
            name = _name(node)
            kinds = {"press": PRESSES, "read": READS, "wait": WAITS, "open": OPENS}
            kind = next((kind for kind, names in kinds.items() if name in names), "")
            moves_on = not (name == "press" and node.args and getattr(node.args[0], "value", "") in {"Tab", "Copy"})
            if kind and (kind != "press" or moves_on):
                found.append((where, kind, name))
        elif isinstance(node, ast.Attribute) and node.attr in READ_ATTRIBUTES and _is_of_window(node):
            found.append((where, "read", node.attr))
    for (line, _), kind, name in sorted(found):
        yield line, kind, name


def _is_of_window(node: ast.Attribute) -> bool:
    if node.attr == "roles":
        return True
    return isinstance(node.value, ast.Attribute) and node.value.attr == "page"


def hasty(source: str) -> list[str]:
    """The readings that come right after a press, and the steps of many tests that end with one."""
    found = []
    for function in [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]:
        if function.name in PRESSES | WAITS | OPENS:
            continue
        pressed = ""
        for line, kind, name in _steps(function):
            if kind == "read" and pressed:
                found.append(f"{function.name}:{line} reads {name} after {pressed}")
            if kind == "open" and pressed:
                found.append(f"{function.name}:{line} goes elsewhere by {name} after {pressed}")
            pressed = {"press": name, "wait": "", "open": ""}.get(kind, pressed)
        if pressed and not function.name.startswith("test_"):
            found.append(f"{function.name} ends with {pressed}")
    return found


@pytest.mark.parametrize("path", sorted(BROWSER.glob("*.py")), ids=lambda path: path.stem)
def test_nothing_is_read_right_after_a_press(path: Path) -> None:
    assert hasty(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("body", "is_hasty"),
    [
        ("w.press('Go')\n    assert w.page.evaluate('x') == 1", True),
        ("w.press('Go')\n    w.shows('There')\n    assert w.page.evaluate('x') == 1", False),
        ("w.page.get_by_role('button').click()\n    assert w.page.url == 'x'", True),
        ("w.press('Go')\n    assert w.roles == []", True),
        ("w.press('Go')\n    expect(w.page.locator('h1')).to_have_text('x')\n    assert w.roles == []", False),
        ("w.page.keyboard.press('Tab')\n    assert w.page.evaluate('x')", False),
        ("w.press('Go')\n    w.open('/elsewhere')", True),
        ("w.press('Go')\n    w.shows('There')\n    w.open('/elsewhere')", False),
    ],
)
def test_the_check_sees_a_hasty_reading(body: str, *, is_hasty: bool) -> None:
    assert bool(hasty(f"def test_x(w):\n    {body}\n")) is is_hasty


def test_the_check_sees_a_step_that_ends_with_a_press() -> None:
    assert hasty("def typed(w):\n    w.press('Go')\n") == ["typed ends with press"]
