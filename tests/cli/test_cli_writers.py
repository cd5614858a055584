"""Who writes files at a person's computer: each writes whole files, or is named here."""

from __future__ import annotations

import ast
from pathlib import Path

from federation_bridge import cli

WRITERS = {
    "files.py": "drafted: beside its place, then renamed",
    "single_flight.py": "a lock: what lies in it is a note",
    "cached_answer.py": "a mark, made exclusively",
    "session/redirect_file.py": "new, in a folder of its own",
    "session/login.py": "an empty mark; that it is missing costs a sentence",
    "credentials/process_file.py": "opened to be locked; written by files.py",
    "program.py": "the null device",
}
"""Every module that makes or changes files, and why nobody sees half of one."""


def test_every_writer_writes_whole_files_or_is_named_here() -> None:
    root = Path(cli.__file__).parent
    found = {str(path.relative_to(root)) for path in root.rglob("*.py") if _writes(ast.parse(path.read_text("utf-8")))}
    assert found - {"terminal/streams.py", "session/leftovers.py"} == set(WRITERS)


def _writes(tree: ast.Module) -> bool:
    made = {"O_CREAT", "O_WRONLY", "write_text", "write_bytes", "touch"}
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    modes = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return bool(made & names or modes & {"w", "wb", "ab", "a", "xb"})
