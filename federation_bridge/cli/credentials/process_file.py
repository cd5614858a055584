"""Files that are there as long as the process that needs them: a served endpoint's token, a command's AWS config.

The lock of each is held until the end, so that the file of a process that was killed is known, and swept by the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from federation_bridge.cli.context import Context
from federation_bridge.cli.files import local_failure, write_private
from federation_bridge.cli.single_flight import SingleFlight, lock


@contextmanager
def file_of_this_process(context: Context, kind: str, name: str, data: bytes) -> Iterator[Path]:
    """A file of mode 0600, removed at the end of the block; those of its kind that dead processes left go first.

    Raises:
        LocalFailure: it cannot be written.
    """
    folder = context.folder / kind
    path = folder / name
    # A file is made and locked under one lock, so that nobody sweeps it in between.
    with SingleFlight(context.folder / f"{kind}.lock", context.clock).alone(context.waiting):
        _sweep(folder)
        write_private(path, data)
        file = _opened(path)
        lock(file)
    with file:
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    for path in folder.glob("*"):
        with suppress(OSError), path.open("ab") as file:
            if lock(file):
                path.unlink()


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("ab")
    except OSError as refused:
        raise local_failure(path, refused) from None
