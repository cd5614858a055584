"""`exec` and `serve`: an endpoint on this computer from which AWS SDKs renew for as long as it is there."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from federation_bridge.cli.aws_config.neutral_profile import default_comes_first, sources_of_default, stepped_around
from federation_bridge.cli.commands.invocation import Invocation, region_of, wanted_of
from federation_bridge.cli.context import Context
from federation_bridge.cli.credentials.container import REGION_NAMES, ContainerEndpoint, without_competitors
from federation_bridge.cli.credentials.granted import tell_granted
from federation_bridge.cli.credentials.obtaining import Wanted, obtain
from federation_bridge.cli.credentials.process_file import file_of_this_process
from federation_bridge.cli.credentials.roles import called
from federation_bridge.cli.failures import UsageWrong
from federation_bridge.cli.i18n import say
from federation_bridge.delivery import posix_word
from federation_bridge.model import AwsCredentials

_NOT_FOUND, _NOT_EXECUTABLE = 127, 126


def exec_(invocation: Invocation) -> int:
    """Runs a command as a role and ends as it ends."""
    command = invocation.asked.command
    if not command:
        # An agent that follows the example must not end up with all that the person may do.
        program = "fedbridge agent exec" if invocation.asked.for_agent else "fedbridge exec"
        raise UsageWrong(say("Which command? For example: {program} ACCOUNT/ROLE -- terraform plan", program=program))
    context = invocation.context()
    wanted = wanted_of(invocation, context)
    asked = region_of(invocation, "")
    first = obtain(context, wanted)
    tell_granted(context, wanted.role, first, wanted.duration)
    environ = without_competitors(invocation.environ, first.region, asked)
    if invocation.asked.variables:
        keys = (first.access_key_id, first.secret_access_key, first.session_token)
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        return run_command(command, environ | dict(zip(names, keys, strict=True)))
    with (
        ContainerEndpoint(_renewing(context, wanted)) as endpoint,
        stepped_around(context, asked or first.region) as more,
    ):
        return run_command(command, environ | endpoint.variables() | more)


def _renewing(context: Context, wanted: Wanted) -> Callable[[], AwsCredentials]:
    """What the endpoint gives later on. For an agent nobody is asked to sign in again: it ends with the sign-in."""
    later = replace(wanted, duration="", reason="")
    quiet = replace(context, way="never") if wanted.for_agent else context
    return lambda: obtain(quiet, later)


def run_command(command: list[str], environ: dict[str, str]) -> int:
    """The exit status of the command; 128 and the signal's number where a signal ended it, as shells say."""
    program = shutil.which(command[0], path=environ.get("PATH"))
    if program is None and not (os.sep in command[0] and Path(command[0]).exists()):
        raise _exec_failure(_NOT_FOUND, say("There is no command {name}.", name=command[0]))
    stops = _StopsForCommand()
    try:
        process = subprocess.Popen([program or command[0], *command[1:]], env=environ)  # noqa: S603 - the person's own command
    except OSError as refused:
        reason = refused.strerror or ""
        sentence = say("{name} cannot be run: {reason}", name=command[0], reason=reason)
        raise _exec_failure(_NOT_EXECUTABLE, sentence) from None
    stops.go_to(process)
    status = process.wait()
    return status if status >= 0 else 128 - status


class _StopsForCommand:
    """SIGTERM and SIGHUP of this process, from before the command is there: each one reaches it, none ends us alone.

    Were they caught only once the command runs, a stop between the two would end this process and leave the command.
    """

    def __init__(self) -> None:
        self._early: list[int] = []
        self._process: subprocess.Popen[bytes] | None = None
        # Ctrl-C reaches the command from the terminal itself; the endpoint must outlive it. A function and not
        # SIG_IGN, which the command would inherit.
        for name, react in (("SIGINT", self._leave), ("SIGTERM", self._pass_on), ("SIGHUP", self._pass_on)):
            if (number := getattr(signal, name, None)) is not None and signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, react)

    def _leave(self, number: int, _: object) -> None:
        """Nothing is done."""

    def _pass_on(self, number: int, _: object) -> None:
        if self._process is None:
            self._early.append(number)
        else:
            self._process.send_signal(number)

    def go_to(self, process: subprocess.Popen[bytes]) -> None:
        """The command runs: it gets what came while it was started, and all that comes from now on."""
        self._process = process
        while self._early:
            process.send_signal(self._early.pop(0))


def _exec_failure(status: int, sentence: str) -> UsageWrong:
    failure = UsageWrong(sentence)
    failure.exit_status = status
    return failure


def serve(invocation: Invocation) -> int:
    """Serves the container credentials endpoint until it is stopped."""
    context = invocation.context()
    wanted = wanted_of(invocation, context)
    asked = region_of(invocation, "")
    first = obtain(context, wanted)
    region = asked or first.region
    with ContainerEndpoint(_renewing(context, wanted), invocation.asked.port) as endpoint:
        port = endpoint.url.rpartition(":")[2].partition("/")[0]
        with file_of_this_process(context, "serve", port, endpoint.token.encode()) as token:
            warn_of_default(context)
            invocation.terminal.tell(
                say(
                    "Serving {role}. For AWS tools, until you stop this with Ctrl-C:", role=called(context, wanted.role)
                )
            )
            tell_granted(context, wanted.role, first, wanted.duration)
            # SDKs that are older than the token file read the token itself; who knows both takes the file.
            told = {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token), **endpoint.variables()}
            told |= dict.fromkeys(REGION_NAMES, region) if region else {}
            invocation.terminal.write("".join(f"export {name}={posix_word(text)}\n" for name, text in told.items()))
            threading.Event().wait()
    return 0


def warn_of_default(context: Context) -> None:
    """Tells a person who sets our variables in a shell what AWS tools take before them."""
    for path in sources_of_default(context.environ):
        context.terminal.tell(default_comes_first(path), "red")
