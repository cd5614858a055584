"""Programs of other releases: copies of this one whose tables are other ones, each with a migration step of its own."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from federation_bridge.store.tables import HEAD, OLDEST
from tests.benchmarks.processes import ROOT
from tests.service_factories import Service

_PACKAGE = ROOT / "federation_bridge"
_STEP = '''"""{says}"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "{step}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
{does}
'''
_EXPANDS = """\
    op.create_table("shifts", sa.Column("name", sa.Text, primary_key=True))
    op.add_column("tries", sa.Column("shift", sa.Text, nullable=False, server_default=""))
    op.create_index("ix_tries_shift", "tries", ["shift"])
"""
_MENDS = """\
    op.drop_index("ix_tries_shift", table_name="tries")
    op.create_index("ix_tries_shift", "tries", ["shift"])
"""
_TRIES = 'Column("bucket", _DIGEST, primary_key=True),\n'
_MORE = _TRIES + '    Column("shift", Text, nullable=False, server_default="", index=True),\n'
_SHIFTS = 'SHIFTS = Table("shifts", METADATA, Column("name", Text, primary_key=True))\n\n'


@dataclass(frozen=True)
class Release:
    """A program, by the folder in which its package lies."""

    folder: Path
    step: str

    @property
    def environ(self) -> dict[str, str]:
        """With it, `python -m federation_bridge.operate` is this program's."""
        return {"PYTHONPATH": str(self.folder), "PYTHONSAFEPATH": "1"}

    def runs(self, node: Service) -> bool:
        """Whether the node's process is this program."""
        environ = Path(f"/proc/{node.process.pid}/environ").read_bytes().split(b"\0")
        return (f"PYTHONPATH={self.folder}".encode() in environ) == (self.folder != ROOT)


PRESENT = Release(ROOT, HEAD)


def next_release(folder: Path) -> Release:
    """The one after this: its step only adds, so programs of this one may go on."""
    step = _after(HEAD)
    _copy(folder, _PACKAGE, step, HEAD, "What only the next release knows.", _EXPANDS)
    _change(folder, "store/tables.py", _TRIES, _MORE)
    _change(folder, "store/tables.py", "TRIES = Table(", _SHIFTS + "TRIES = Table(")
    _change(folder, "store/row_mac.py", '"tries": "the same', '"shifts": "of no use", "tries": "the same')
    return Release(folder, step)


def release_that_shuts_out(folder: Path, before: Release) -> Release:
    """The one after `before`, with whose shape no older program can live."""
    step = _after(before.step)
    _copy(folder, before.folder / "federation_bridge", step, before.step, "An older program is wrong here.", _MENDS)
    _change(folder, "store/tables.py", f'OLDEST = "{OLDEST}"', f'OLDEST = "{step}"')
    return Release(folder, step)


def _after(step: str) -> str:
    return f"{int(step) + 1:04d}"


def _copy(folder: Path, package: Path, step: str, before: str, says: str, does: str) -> None:
    shutil.copytree(package, folder / "federation_bridge")
    steps = folder / "federation_bridge" / "store" / "migrations" / "versions"
    (steps / f"step_{step}_of_a_test.py").write_text(_STEP.format(says=says, step=step, before=before, does=does))
    _change(folder, "store/tables.py", f'HEAD = "{before}"', f'HEAD = "{step}"')


def _change(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / "federation_bridge" / file
    text = path.read_text("utf-8")
    if text.count(old) != 1:
        raise ValueError(f"{old!r} does not stand in {file} once")
    path.write_text(text.replace(old, new), "utf-8")
