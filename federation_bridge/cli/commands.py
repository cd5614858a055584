"""What each command does: finds the bridge and the role, asks, and hands over."""

from __future__ import annotations

import argparse
import difflib
import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from federation_bridge.cli import aws_config, folders, sso
from federation_bridge.cli import completion as completing
from federation_bridge.cli import doctor as examining
from federation_bridge.cli.address import checked_address
from federation_bridge.cli.console import open_console
from federation_bridge.cli.container import ContainerEndpoint, without_competitors
from federation_bridge.cli.credentials import Wanted, answer_text, obtain, rendered
from federation_bridge.cli.failures import ComputerRefused, UsageWrong
from federation_bridge.cli.files import write_private
from federation_bridge.cli.login import chosen_way
from federation_bridge.cli.place import Place, folder_of, known_address
from federation_bridge.cli.roles import is_key, matching, my_roles, named_role, pick
from federation_bridge.cli.session import LocalSession, end_session
from federation_bridge.cli.terminal import Terminal, controlling_terminal
from federation_bridge.cli.texts import printable, say
from federation_bridge.durations import parse_duration
from federation_bridge.model import Clock

TEMPLATE = aws_config.TEMPLATE
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the program: what was asked, and where."""

    asked: argparse.Namespace
    terminal: Terminal
    environ: Mapping[str, str]
    clock: Clock

    def place(self, terminal: Terminal | None = None) -> Place:
        """The bridge that the call is about."""
        asked = self.asked
        address = checked_address(asked.address) if asked.address else known_address(self.environ, asked.folder)
        folder = Path(asked.folder) if asked.folder else folder_of(address, self.environ)
        return Place(address, folder, self.environ, self.clock, terminal or self.terminal, asked.way)


def login(call: Call) -> int:
    """Signs in."""
    call.asked.way = chosen_way(call.asked.way, call.environ)
    place = call.place()
    session = LocalSession(place)
    session.login()
    me = session.get("/me")
    call.terminal.tell(
        say("Signed in as {name}, until {end}.", name=str(me.get("name", "")), end=_local(me.get("ends_at"))), "green"
    )
    call.terminal.tell(say("Next: fedbridge configure"))
    return 0


def logout(call: Call) -> int:
    """Signs out and forgets what lies here."""
    was_signed_in = end_session(call.place())
    call.terminal.tell(say("Signed out.") if was_signed_in else say("Nobody was signed in."))
    return 0


def whoami(call: Call) -> int:
    """Shows who is signed in."""
    call.asked.way = "never"
    me = LocalSession(call.place()).get("/me")
    if call.asked.json:
        wanted = ("person", "connection", "name", "email", "signed_in_at", "ends_at")
        call.terminal.write(json.dumps({name: me.get(name) for name in wanted}, indent=2) + "\n")
    else:
        name, person = str(me.get("name", "")), str(me.get("person", ""))
        call.terminal.write(
            say("{name} ({person}), until {end}", name=name, person=person, end=_local(me.get("ends_at"))) + "\n"
        )
    return 0


def _local(instant: object) -> str:
    try:
        return datetime.fromisoformat(str(instant)).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return "?"


def roles(call: Call) -> int:
    """Lists the roles."""
    place = call.place()
    found = my_roles(place, LocalSession(place))
    if call.asked.filter:
        found = matching(call.asked.filter, found)
    if call.asked.json:
        call.terminal.write(json.dumps([asdict(role) for role in found], indent=2) + "\n")
    else:
        rows = [(role.account_name, role.account, role.role, role.max_duration) for role in found]
        head = (say("ACCOUNT"), say("NUMBER"), say("ROLE"), say("AT MOST"))
        call.terminal.write(call.terminal.table(head, rows))
    return 0


def credentials(call: Call) -> int:
    """Writes credentials in the format that was asked for."""
    place = call.place()
    call.terminal.write(rendered(obtain(place, _wanted(call, place)), call.asked.format))
    return 0


def credential_process(call: Call) -> int:
    """What a profile runs: on the person's own terminal it asks, on stdout it answers."""
    with controlling_terminal(call.environ) as terminal:
        place = call.place(terminal)
        if not call.asked.renew:
            call.terminal.write(answer_text(obtain(place, _wanted(call, place))))
            return 0
    return _renew(call)


def _renew(call: Call) -> int:
    """The background renewal: asks nobody. Where it fails its mark stays for a minute, so that not every call tries."""
    call.asked.way = "never"
    place = call.place()
    wanted = _wanted(call, place)
    obtain(place, wanted, renew=True)
    Path(f"{place.answer_path(wanted.role)}.renewing").unlink(missing_ok=True)
    return 0


def _wanted(call: Call, place: Place) -> Wanted:
    asked = call.asked
    need = _span(asked.min_remaining, "--min-remaining")
    if asked.duration:
        _span(asked.duration, "--duration")
    return Wanted(_role(call, place), need, asked.duration, asked.reason)


def _span(text: str, option: str) -> timedelta:
    try:
        return parse_duration(text) if text else timedelta()
    except ValueError as wrong:
        raise UsageWrong(f"{option}: {printable(str(wrong))}") from None


def _role(call: Call, place: Place) -> str:
    text = call.asked.role
    if text and is_key(text):
        return str(text)
    offered = my_roles(place, LocalSession(place))
    return (named_role(text, offered) if text else pick(call.terminal, offered)).key


def exec_(call: Call) -> int:
    """Runs a command as a role and ends as it ends."""
    command = call.asked.command[1:] if call.asked.command[:1] == ["--"] else call.asked.command
    if not command:
        raise UsageWrong(say("Which command? For example: fedbridge exec --role ACCOUNT/ROLE -- terraform plan"))
    place = call.place()
    wanted = _wanted(call, place)
    first = obtain(place, wanted)
    environ = without_competitors(call.environ)
    environ.setdefault("AWS_REGION", first.region)
    environ.setdefault("AWS_DEFAULT_REGION", first.region)
    if call.asked.variables:
        keys = (first.access_key_id, first.secret_access_key, first.session_token)
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        return _run(command, environ | dict(zip(names, keys, strict=True)))
    renewed = Wanted(wanted.role, wanted.need)
    with ContainerEndpoint(lambda: obtain(place, renewed)) as endpoint:
        return _run(command, environ | endpoint.variables())


def _run(command: list[str], environ: dict[str, str]) -> int:
    """The exit status of the command; 128 and the signal's number where a signal ended it, as shells say."""
    program = shutil.which(command[0], path=environ.get("PATH"))
    if program is None:
        raise _exec_failure(_NOT_FOUND, say("There is no command {name}.", name=command[0]))
    try:
        process = subprocess.Popen([program, *command[1:]], env=environ)  # noqa: S603 - the person's own command
    except OSError as refused:
        reason = refused.strerror or ""
        sentence = say("{name} cannot be run: {reason}", name=command[0], reason=reason)
        raise _exec_failure(_NOT_EXECUTABLE, sentence) from None
    # Ctrl-C reaches the command from the terminal itself; the endpoint must outlive it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    status = process.wait()
    return status if status >= 0 else 128 - status


def _exec_failure(status: int, sentence: str) -> UsageWrong:
    failure = UsageWrong(sentence)
    failure.exit_status = status
    return failure


def console(call: Call) -> int:
    """Opens the AWS console."""
    place = call.place()
    open_console(place, _role(call, place), call.asked.to, only_print=call.asked.print)
    return 0


def serve(call: Call) -> int:
    """Serves the container credentials endpoint until it is stopped."""
    place = call.place()
    wanted = _wanted(call, place)
    obtain(place, wanted)
    renewed = Wanted(wanted.role, wanted.need)
    with ContainerEndpoint(lambda: obtain(place, renewed), call.asked.port) as endpoint:
        token = place.folder / "serve" / endpoint.url.rpartition(":")[2].partition("/")[0]
        write_private(token, endpoint.token.encode())
        try:
            call.terminal.tell(say("Serving {role}. For AWS tools, until you stop this with Ctrl-C:", role=wanted.role))
            call.terminal.write(f"export AWS_CONTAINER_CREDENTIALS_FULL_URI='{endpoint.url}'\n")
            call.terminal.write(f"export AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE={_quoted(str(token))}\n")
            threading.Event().wait()
        finally:
            token.unlink(missing_ok=True)
    return 0


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def configure(call: Call) -> int:
    """Shows the difference to ~/.aws/config, asks, and writes."""
    place = call.place()
    need = int(_span(call.asked.min_remaining, "--min-remaining").total_seconds())
    offered = my_roles(place, LocalSession(place))
    offered = sorted(matching(call.asked.filter, offered) if call.asked.filter else offered, key=lambda role: role.name)
    commands = {role.key: aws_config.process_command(place.folder, role.key, need) for role in offered}
    profiles = aws_config.profiles(offered, call.asked.template, commands)
    if call.asked.sso:
        profiles = sso.with_lines(profiles, place, offered)
    path = aws_config.config_path(call.environ)
    before = aws_config.read_config(path)
    after = aws_config.reconcile(before, place.address, profiles)
    for notice in after.notices:
        call.terminal.tell(notice)
    if after.text == before:
        _sign_stock_clients_in(call, place)
        call.terminal.tell(say("{path} is up to date.", path=str(path)))
        return 0
    lines = difflib.unified_diff(before.splitlines(), after.text.splitlines(), str(path), str(path), lineterm="")
    call.terminal.write("".join(str(printable(line)) + "\n" for line in lines))
    if call.asked.dry_run:
        return 0
    if not call.asked.yes:
        _confirm(call.terminal)
    if aws_config.read_config(path) != before:
        raise ComputerRefused(say("{path} was changed by another program meanwhile. Run it again.", path=str(path)))
    _write_config(path, after.text)
    _sign_stock_clients_in(call, place)
    call.terminal.tell(
        say("Written. Try: AWS_PROFILE={name} aws sts get-caller-identity", name=_example(profiles)), "green"
    )
    return 0


def _sign_stock_clients_in(call: Call, place: Place) -> None:
    if call.asked.sso and not call.asked.dry_run:
        path = sso.write_token(place)
        call.terminal.tell(say("The token for AWS clients lies in {path}.", path=str(path)))


def _example(profiles: list[aws_config.Profile]) -> str:
    return profiles[-1].name if profiles else "PROFILE"


def _confirm(terminal: Terminal) -> None:
    if not terminal.can_ask:
        raise UsageWrong(say("Nobody is there to ask: add --yes to write this."))
    if terminal.ask(say("Write this? [y/N] ")).lower() not in {"y", "yes", "是"}:
        raise UsageWrong(say("Nothing was written."))


def _write_config(path: Path, text: str) -> None:
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    draft = path.with_name(f".{path.name}.fedbridge-{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:  # noqa: PTH123
                file.write(text.encode())
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except OSError as refused:
        reason = refused.strerror or ""
        raise ComputerRefused(say("{path} cannot be written: {reason}", path=str(path), reason=reason)) from None


def doctor(call: Call) -> int:
    """Says what is wrong."""
    call.asked.way = "never"
    return 0 if examining.examine(call.place()) else 1


def completion(call: Call) -> int:
    """Writes the completion script of a shell."""
    call.terminal.write(completing.SCRIPTS[call.asked.shell])
    return 0


def complete(call: Call) -> int:
    """Writes the words that fit, one a line: what the completion scripts ask."""
    from federation_bridge.cli.program import parser  # noqa: PLC0415 - which names this module

    words = call.asked.words[1:] if call.asked.words[:1] == ["--"] else call.asked.words
    folder = folders.current_folder(call.environ)
    found = completing.candidates(words, _options(parser()), Path(folder) if folder else None)
    call.terminal.write("".join(word + "\n" for word in found))
    return 0


def _options(parser: argparse.ArgumentParser) -> dict[str, list[str]]:
    """The options of every command that has a help line."""
    choices = next(action.choices for action in parser._actions if isinstance(action.choices, dict))  # noqa: SLF001
    shown = {name: command for name, command in choices.items() if name != "complete"}
    return {
        name: sorted(
            option
            for action in command._actions  # noqa: SLF001
            if action.help != argparse.SUPPRESS
            for option in action.option_strings
            if option.startswith("--")
        )
        for name, command in shown.items()
    }
