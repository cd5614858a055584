"""What a sign-in leaves on this computer beside its tokens: answers, marks, the list of roles."""

from __future__ import annotations

from pathlib import Path

from federation_bridge.cli.files import local_failure
from federation_bridge.cli.place import Place


def forget_answers(place: Place) -> None:
    """Removes all of it but locks. Who asked before and writes later finds another sign-in, and removes it again.

    Raises:
        LocalFailure: something cannot be removed.
    """
    beside = [path for path in (place.folder / "answers").glob("*") if not path.name.endswith("~lock")]
    for path in [*beside, place.folder / "roles.json", place.folder / "session.renewing"]:
        remove(path)


def remove(path: Path) -> None:
    """Removes a file that may be gone already; LocalFailure where it cannot be."""
    try:
        path.unlink(missing_ok=True)
    except OSError as refused:
        raise local_failure(path, refused) from None
