"""`assume` and `shell-init`: a role into the shell in which it was typed, and back."""

from __future__ import annotations

from collections.abc import Mapping

from federation_bridge.cli.commands.invocation import Invocation, check_shell, region_of, span, wanted_of
from federation_bridge.cli.credentials.assumed import assuming, leaving
from federation_bridge.cli.credentials.granted import tell_granted
from federation_bridge.cli.credentials.obtaining import obtain
from federation_bridge.cli.credentials.roles import called
from federation_bridge.cli.failures import UsageWrong
from federation_bridge.cli.i18n import say
from federation_bridge.cli.terminal.shells import SHELLS


def shell_init(invocation: Invocation) -> int:
    """Writes the function by which `assume` reaches the shell."""
    check_shell(invocation)
    invocation.terminal.write(SHELLS[invocation.asked.shell].init)
    return 0


def assume(invocation: Invocation) -> int:
    """Writes assignments for the shell's function to evaluate; nothing but assignments ever reaches stdout."""
    asked = invocation.asked
    if not asked.shell:
        raise UsageWrong(say('This shell cannot run assume yet. Run this first: eval "$(fedbridge shell-init bash)"'))
    changes = leaving(invocation.environ) if asked.unset else _assumed(invocation)
    invocation.terminal.write(SHELLS[asked.shell].lines(changes))
    if asked.unset:
        invocation.terminal.tell(
            say("This shell has its own variables again.") if changes else say("This shell has assumed no role.")
        )
    return 0


def _assumed(invocation: Invocation) -> Mapping[str, str | None]:
    asked, context = invocation.asked, invocation.context()
    region = region_of(invocation, "")
    # XML and signatures are for who chains: no other command waits for them.
    from federation_bridge.cli.credentials.chaining import LONGEST, chained, checked_target  # noqa: PLC0415 - as said

    if asked.chain:
        checked_target(asked.chain)
    wanted = wanted_of(invocation, context)
    found = obtain(context, wanted)
    label = called(context, f"{found.account_id}/{found.role}")
    if asked.chain:
        found = chained(context, found, asked.chain, span(asked.duration, "--duration") or LONGEST)
        label = f"{found.account_id}/{found.role}"
        if span(asked.duration, "--duration") > LONGEST:
            invocation.terminal.tell(
                say("One hour at most: this is AWS's limit for role chaining, when one role assumes another.")
            )
    else:
        tell_granted(context, wanted.role, found, wanted.duration)
    until = found.expires_at.astimezone().strftime("%H:%M")
    invocation.terminal.tell(
        say(
            "This shell has the role {role} until {time}. To leave it: fedbridge assume --unset", role=label, time=until
        ),
        "green",
    )
    return assuming(invocation.environ, found, label, region)
