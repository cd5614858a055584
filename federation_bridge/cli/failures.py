"""What may go wrong in the terminal: one plain sentence for the person and the exit status that scripts rely on.

The exit statuses are documented in docs/command-line.md; a test holds the table to these classes.

A family of its own, below the one root of `errors.py` and not in it. The server's errors carry an HTTP status, a fixed
public sentence, and a detail for the audit that nobody outside may read. These are the reverse: no status on any wire,
an exit status, and a text made for the one person at the terminal, in their language, which `errors.py` cannot speak.
In one module each side would carry the fields of the other, and a `detail` would be secret here and public there.
"""

from __future__ import annotations

from federation_bridge.errors import BridgeError


class CommandFailed(BridgeError):
    """Any refusal of the command. Its text is for the person, in the person's language, and holds no secret."""

    code = "command_failed"
    exit_status = 1


class UsageWrong(CommandFailed):
    """The command was not called as it can be."""

    exit_status = 2


class SignInNeeded(CommandFailed):
    """Nobody is signed in, and nobody can be asked to."""

    exit_status = 3


class LoginRefused(CommandFailed):
    """The sign-in was denied, ran out of time, or its answer was not believed."""

    exit_status = 4


class RoleRefused(CommandFailed):
    """The person does not have this role now, or the name fits no role."""

    exit_status = 5


class RoleNotHeld(RoleRefused):
    """The bridge knows the role's name or not, and the person does not have it: nothing more is told."""


class BridgeUnreachable(CommandFailed):
    """No answer, or none that can be trusted, from the bridge."""

    exit_status = 6


class AnswerLost(BridgeUnreachable):
    """The bridge was asked, and its answer did not come, or not whole: it may have done what it was asked."""


class BridgeRefused(CommandFailed):
    """The bridge answered with a refusal of its own."""

    exit_status = 7


class LocalFailure(CommandFailed):
    """The computer did not let us: a full disk, a file that is not ours, a port."""

    exit_status = 8


class AwsFailed(CommandFailed):
    """AWS refused or could not be reached, as the bridge tells."""

    exit_status = 9


class TooShort(CommandFailed):
    """Even fresh credentials do not last as long as asked."""

    exit_status = 10


class ListLeft(UsageWrong):
    """The person left a list without taking anything of it: as Ctrl-C, with a word."""

    exit_status = 130


class Stopped(KeyboardInterrupt):
    """A signal asks the process to end, as Ctrl-C does: what was begun is put in order on the way out."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.exit_status = 128 + signal_number
        """As shells tell of a process that a signal ended."""


INTERRUPTED = 130
"""The person pressed Ctrl-C."""


def failure_of(exit_status: int, sentence: str) -> CommandFailed:
    """The failure that another process of ours met, from what it left behind."""
    kinds = {kind.exit_status: kind for kind in CommandFailed.__subclasses__()}
    return kinds.get(exit_status, CommandFailed)(sentence)
