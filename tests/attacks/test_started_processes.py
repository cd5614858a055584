"""Every place that starts a process is known, with what it puts on a command line."""

from __future__ import annotations

import ast

from cli_factories import MAIN
from package_modules import nodes

PACKAGE = MAIN.parents[1]


STARTERS = {"Popen", "run", "call", "check_call", "check_output", "getoutput", "getstatusoutput"}
STARTS = {
    (
        "cli/session/browser_login.py",
        "webbrowser.open",
    ): "a file's path; or the told address, and then the terminal asks",
    ("cli/credentials/console.py", "webbrowser.open"): "the bridge's bookmark",
    ("cli/cached_answer.py", "system.posix_spawn"): "folder, role, seconds",
    ("cli/cached_answer.py", "system.execv"): "folder, role, seconds",
    ("cli/commands/running.py", "subprocess.Popen"): "the person's own command; secrets in its environment",
    ("sandbox/terminal.py", "subprocess.Popen"): "the demo, with people who are none",
    ("sandbox/aws_cli.py", "subprocess.Popen"): "the demo",
    ("sandbox/operated.py", "subprocess.Popen"): "the demo",
    ("sandbox/operated.py", "subprocess.run"): "the demo's first rules: paths and a reason",
}


def _starts(call: ast.Call) -> str:
    """The name by which this call starts a process, or ""."""
    if not isinstance(call.func, ast.Attribute) or not isinstance(call.func.value, ast.Name):
        return ""
    module, name = call.func.value.id, call.func.attr
    from_system = name.startswith(("exec", "spawn", "posix_spawn")) or name in {"system", "popen", "startfile"}
    is_start = {
        "subprocess": name in STARTERS,
        "webbrowser": name.startswith("open"),
        "asyncio": name.startswith("create_subprocess"),
        "pty": name == "spawn",
    }.get(module, module in {"os", "system", "posix", "nt"} and from_system)
    return f"{module}.{name}" if is_start else ""


def test_every_place_that_starts_a_process_is_known_with_what_it_puts_on_a_command_line() -> None:
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in nodes(path):
            where = path.relative_to(PACKAGE).as_posix()
            if isinstance(node, ast.Call) and (name := _starts(node)):
                found.add((where, name))
            if isinstance(node, ast.ImportFrom):
                # A name of its own would hide a start from this test.
                assert node.module not in {"subprocess", "webbrowser", "multiprocessing", "pty"}, where
    assert found == set(STARTS)
