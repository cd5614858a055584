"""What a sign-in leaves on this computer beside its tokens: answers, marks, the list of roles."""

from __future__ import annotations

from pathlib import Path

from federation_bridge.cli.context import Context
from federation_bridge.cli.files import local_failure
from federation_bridge.cli.session.signed_in import NOTE


def forget_answers(context: Context) -> None:
    """Removes all of it but locks. Who asked before and writes later finds another sign-in, and removes it again.

    Raises:
        LocalFailure: something cannot be removed.
    """
    beside = [path for path in (context.folder / "answers").glob("*") if not path.name.endswith("~lock")]
    for path in [*beside, context.folder / "roles.json", context.folder / "session.renewing", context.folder / NOTE]:
        remove(path)


def remove(path: Path) -> None:
    """Removes a file that may be gone already; LocalFailure where it cannot be."""
    try:
        path.unlink(missing_ok=True)
    except OSError as refused:
        raise local_failure(path, refused) from None
