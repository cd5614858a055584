"""`configure`: the profiles in ~/.aws/config. What changes is told first; what can fail comes before any change."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from federation_bridge.cli.aws_config import files as aws_files
from federation_bridge.cli.aws_config import profiles as aws_config
from federation_bridge.cli.aws_config import sso
from federation_bridge.cli.aws_config.blocks import Profile
from federation_bridge.cli.bridges import given_name
from federation_bridge.cli.commands.invocation import Invocation, span
from federation_bridge.cli.context import Context
from federation_bridge.cli.credentials.roles import RoleOnOffer, fitting, my_roles
from federation_bridge.cli.failures import UsageWrong
from federation_bridge.cli.i18n import few, printable, say
from federation_bridge.cli.session.local_session import LocalSession
from federation_bridge.cli.single_flight import SingleFlight
from federation_bridge.cli.terminal.streams import Terminal

_NAMED = 5
"""So many profiles are named before "and N more"."""


def configure(invocation: Invocation) -> int:
    """Tells what changes in ~/.aws/config, asks, and writes."""
    context, asked = invocation.context(), invocation.asked
    if asked.sso and not asked.dry_run:
        sso.check_somebody_is_asked(context)
    offered = my_roles(context, LocalSession(context))
    profiles = _wanted(invocation, context, offered)
    wanted = {profile.role for profile in profiles}
    left_out = frozenset(role.key for role in offered if role.key not in wanted and not asked.replace)
    path = aws_files.config_path(invocation.environ)
    before = aws_files.read_config(path)
    with aws_files.told_of(path):
        after = aws_config.reconcile(before, context.address, profiles, left_out)
    for notice in after.notices:
        invocation.terminal.tell(notice)
    if after.text != before:
        _show(invocation, path, before, after)
    if asked.dry_run:
        return 0
    if after.text != before and not asked.yes:
        _confirm(invocation.terminal)
    _write(invocation, context, (path, before, after))
    return 0


def _wanted(invocation: Invocation, context: Context, roles: Sequence[RoleOnOffer]) -> list[Profile]:
    asked = invocation.asked
    need = int(span(asked.min_remaining, "--min-remaining").total_seconds())
    offered = sorted(fitting(asked.filter, roles), key=lambda role: role.name)
    commands = {role.key: aws_config.process_command(context.folder, role.key, need) for role in offered}
    given, host = given_name(context.bridge_folder), urlsplit(context.address).hostname or ""
    template = asked.template or (aws_config.TEMPLATE_OF_NAMED if given else aws_config.TEMPLATE)
    profiles = aws_config.profiles(offered, template, commands, given or host)
    return sso.with_lines(profiles, context, offered) if asked.sso else profiles


def _show(invocation: Invocation, path: Path, before: str, after: aws_config.Reconciled) -> None:
    """One line; the whole difference where it is asked for."""
    if invocation.asked.diff:
        lines = difflib.unified_diff(before.splitlines(), after.text.splitlines(), str(path), str(path), lineterm="")
        invocation.terminal.write("".join(str(printable(line)) + "\n" for line in lines))
    told = say("{path}: profiles {counts}", path=str(path), counts=_counts(after))
    invocation.terminal.tell(told if invocation.asked.diff else f"{told} {say('(--diff shows it all)')}")
    if after.removed:
        invocation.terminal.tell(say("  Profiles that are removed: {names}", names=few(after.removed, _NAMED)))
    if after.stay:
        stay = say("  Profiles that stay, outside of --filter: {count} (--replace removes them)", count=after.stay)
        invocation.terminal.tell(stay)


def _counts(after: aws_config.Reconciled) -> str:
    """What changes, without what does not: `+3, -1, 2 changed`."""
    counts = (
        f"+{len(after.added)}" if after.added else "",
        f"-{len(after.removed)}" if after.removed else "",
        say("{count} changed", count=after.changed) if after.changed else "",
    )
    # A section beside them, or their order, as a merge of two files leaves it.
    return ", ".join(count for count in counts if count) or say("as they are; other lines of fedbridge change")


def _write(invocation: Invocation, context: Context, change: tuple[Path, str, aws_config.Reconciled]) -> None:
    path, before, after = change
    is_changed = after.text != before
    flight = SingleFlight(context.bridge_folder.parent / "configure.lock", context.clock)

    def put_alone() -> None:
        with flight.alone(context.waiting):  # between its look and its rename no other one of ours
            put()

    with ExitStack() as stack:
        put = stack.enter_context(aws_files.drafted_config(path, before, after.text)) if is_changed else _nothing
        if invocation.asked.sso:
            token = sso.sign_stock_clients_in(context, put_alone)
            invocation.terminal.tell(say("The token for AWS clients lies in {path}.", path=str(token)))
        else:
            put_alone()
    if is_changed:
        invocation.terminal.tell(_written(invocation, after), "green")
    else:
        invocation.terminal.tell(say("{path} is up to date.", path=str(path)))


def _nothing() -> None:
    """The file is as it shall be."""


def _written(invocation: Invocation, after: aws_config.Reconciled) -> str:
    """What to try now: a profile that was just written, that AWS tools find, and find no other in its place."""
    shared = aws_files.names_in_credentials(invocation.environ)
    usable = [name for name in after.written if name not in shared]
    if not usable or invocation.environ.get("AWS_CONFIG_FILE") == "":
        return say("Written.")
    fresh = [name for name in usable if name in after.added]
    return say("Written. Try: AWS_PROFILE={name} aws sts get-caller-identity", name=(fresh or usable)[-1])


def _confirm(terminal: Terminal) -> None:
    if not terminal.can_ask:
        raise UsageWrong(say("There is no terminal here to ask at. Add --yes to write this."))
    if terminal.ask(say("Write this? [y/N] ")).lower() not in {"y", "yes", "是"}:
        raise UsageWrong(say("Nothing was written."))
