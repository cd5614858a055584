"""The files of two releases for the walk: of this one, and of the next one, whose tables are other ones."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

from documents.blocks import ROOT

_PROJECT = ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in")


def released(folder: Path) -> None:
    """The files of a release, as `make dist` makes them, but for the list of libraries that nobody installs."""
    _built(ROOT, folder)
    shutil.copy(ROOT / "deploy" / "requirements" / "server.txt", folder)
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(folder.iterdir())]
    (folder / "SHA256SUMS").write_text("".join(sums))


def cloned(folder: Path) -> None:
    """What a clone holds: the files of the project, as they are now."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def next_wheel(source: Path, folder: Path, version: str) -> str:
    """The wheel of a release with this version, which has a migration step of its own; gives that step."""
    from tests.chaos.releases import next_release  # noqa: PLC0415 - under the name by which its own modules know it

    release = next_release(source)
    for name in _PROJECT:
        shutil.copy(ROOT / name, source)
    init = source / "federation_bridge" / "__init__.py"
    text, changed = re.subn(r'^__version__ = ".*"$', f'__version__ = "{version}"', init.read_text(), flags=re.MULTILINE)
    assert changed == 1
    init.write_text(text)
    _built(source, folder, "--wheel")
    return str(release.step)


def _built(source: Path, folder: Path, *what: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", *what, "--outdir", folder, source],
        cwd=folder, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
