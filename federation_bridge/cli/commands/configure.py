"""`configure`: the profiles in ~/.aws/config, shown before they are written."""

from __future__ import annotations

import difflib

from federation_bridge.cli.aws_config import files as aws_files
from federation_bridge.cli.aws_config import profiles as aws_config
from federation_bridge.cli.aws_config import sso
from federation_bridge.cli.commands.invocation import Invocation, span
from federation_bridge.cli.context import Context
from federation_bridge.cli.credentials.roles import matching, my_roles
from federation_bridge.cli.failures import LocalFailure, UsageWrong
from federation_bridge.cli.i18n import printable, say
from federation_bridge.cli.session.local_session import LocalSession
from federation_bridge.cli.terminal.streams import Terminal


def configure(invocation: Invocation) -> int:
    """Shows the difference to ~/.aws/config, asks, and writes."""
    context = invocation.context()
    need = int(span(invocation.asked.min_remaining, "--min-remaining").total_seconds())
    offered = my_roles(context, LocalSession(context))
    offered = sorted(
        matching(invocation.asked.filter, offered) if invocation.asked.filter else offered, key=lambda role: role.name
    )
    commands = {role.key: aws_config.process_command(context.folder, role.key, need) for role in offered}
    profiles = aws_config.profiles(offered, invocation.asked.template, commands)
    if invocation.asked.sso:
        profiles = sso.with_lines(profiles, context, offered)
    path = aws_files.config_path(invocation.environ)
    before = aws_files.read_config(path)
    with aws_files.told_of(path):
        after = aws_config.reconcile(before, context.address, profiles)
    for notice in after.notices:
        invocation.terminal.tell(notice)
    if after.text == before:
        _sign_stock_clients_in(invocation, context)
        invocation.terminal.tell(say("{path} is up to date.", path=str(path)))
        return 0
    lines = difflib.unified_diff(before.splitlines(), after.text.splitlines(), str(path), str(path), lineterm="")
    invocation.terminal.write("".join(str(printable(line)) + "\n" for line in lines))
    if invocation.asked.dry_run:
        return 0
    if not invocation.asked.yes:
        _confirm(invocation.terminal)
    if aws_files.read_config(path) != before:
        raise LocalFailure(say("{path} was changed by another program meanwhile. Run it again.", path=str(path)))
    aws_files.write_config(path, after.text)
    _sign_stock_clients_in(invocation, context)
    invocation.terminal.tell(_written(invocation, after.written), "green")
    return 0


def _sign_stock_clients_in(invocation: Invocation, context: Context) -> None:
    if invocation.asked.sso and not invocation.asked.dry_run:
        path = sso.write_token(context)
        invocation.terminal.tell(say("The token for AWS clients lies in {path}.", path=str(path)))


def _written(invocation: Invocation, names: tuple[str, ...]) -> str:
    """What to try now: a profile that AWS tools find, and find no other in its place."""
    shared = aws_files.names_in_credentials(invocation.environ)
    usable = [name for name in names if name not in shared]
    if not usable or invocation.environ.get("AWS_CONFIG_FILE") == "":
        return say("Written.")
    return say("Written. Try: AWS_PROFILE={name} aws sts get-caller-identity", name=usable[-1])


def _confirm(terminal: Terminal) -> None:
    if not terminal.can_ask:
        raise UsageWrong(say("Nobody is there to ask: add --yes to write this."))
    if terminal.ask(say("Write this? [y/N] ")).lower() not in {"y", "yes", "是"}:
        raise UsageWrong(say("Nothing was written."))
