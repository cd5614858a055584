"""One run of the command line: which command, and how failures and signals end."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from federation_bridge.cli.commands.invocation import Invocation
from federation_bridge.cli.failures import INTERRUPTED, CommandFailed, LocalFailure, Stopped
from federation_bridge.cli.i18n import printable, say
from federation_bridge.cli.terminal.arguments import parser
from federation_bridge.cli.terminal.streams import Terminal

_SOON = 0.05


def run(arguments: list[str]) -> int:
    """Runs one command; its exit status. What failed is told in one sentence on stderr, without a traceback."""
    terminal = Terminal.of_process(os.environ)
    try:
        chosen = parser().parse_args(arguments)
        command: Callable[[Invocation], int] = chosen.run
        return command(Invocation(chosen, terminal, os.environ, lambda: datetime.now(UTC)))
    except CommandFailed as failure:
        # Some of it may have come from afar: nothing that a terminal obeys gets out here.
        terminal.tell(f"fedbridge: {printable(failure.detail)}", "red")
        return failure.exit_status
    except Stopped as stopped:
        return stopped.exit_status
    except KeyboardInterrupt:
        terminal.tell()
        return INTERRUPTED
    except BrokenPipeError:
        # Who read our output has enough; nothing may be written at the interpreter's end either.
        _forsake_output()
        return 0
    except OSError as refused:
        _forsake_output()
        reason = refused.strerror or type(refused).__name__
        terminal.tell("fedbridge: " + say("This computer refused: {reason}. Is the disk full?", reason=reason), "red")
        return LocalFailure.exit_status


def _forsake_output() -> None:
    """What could not be written is not tried again at the interpreter's end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def stop_in_order() -> None:
    """From now on SIGTERM and SIGHUP end the program as Ctrl-C does: files and locks are put in order first."""

    def stop(number: int, _: object) -> None:
        raise Stopped(number)

    for name in ("SIGTERM", "SIGHUP"):
        # `nohup` and the like have made the choice to ignore it: it stays.
        if (number := getattr(signal, name, None)) is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, stop)
    sys.unraisablehook = _stopping_again(sys.unraisablehook)


def _stopping_again(otherwise: Callable[[sys.UnraisableHookArgs], object]) -> Callable[[sys.UnraisableHookArgs], None]:
    """A stop that came where nothing can be raised (a destructor, a weak reference's callback) comes once more.

    Python would tell it as "ignored" and go on: whoever pressed Ctrl-C, or ended us, would wait for ever.
    """

    def told(lost: sys.UnraisableHookArgs) -> None:
        if not isinstance(lost.exc_value, KeyboardInterrupt) or os.name != "posix":
            otherwise(lost)
            return
        number = lost.exc_value.exit_status - 128 if isinstance(lost.exc_value, Stopped) else signal.SIGINT
        # Not from here: this is still the place where nothing can be raised.
        again = threading.Timer(_SOON, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()

    return told
