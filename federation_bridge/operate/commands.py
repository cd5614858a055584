"""The commands of `federation-bridge`."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from federation_bridge import __version__
from federation_bridge.errors import BridgeError
from federation_bridge.operate import logs
from federation_bridge.operate.accounts_commands import accounts
from federation_bridge.operate.audit_commands import audit
from federation_bridge.operate.aws_commands import aws
from federation_bridge.operate.backup_commands import backup, restore
from federation_bridge.operate.blocking_commands import incident
from federation_bridge.operate.entry import not_installed
from federation_bridge.operate.foreseeing_commands import explain, preview, sign_ins
from federation_bridge.operate.grants_commands import grants
from federation_bridge.operate.groups import Group
from federation_bridge.operate.healthy import healthy
from federation_bridge.operate.key_commands import keys
from federation_bridge.operate.notices_commands import notices
from federation_bridge.operate.options import OWNER, OWNER_PASSWORD, SETTINGS
from federation_bridge.operate.people_commands import people
from federation_bridge.operate.review_command import review
from federation_bridge.operate.rules_commands import rules
from federation_bridge.operate.scim_commands import scim
from federation_bridge.operate.signals_commands import signals
from federation_bridge.settings import load_settings


@click.group(cls=Group)
@click.version_option(__version__, prog_name="federation-bridge")
def commands() -> None:
    """The identity-federation bridge into AWS: for the person who runs it.

    Begin with `check`, which reads the settings and says what is wrong; then `migrate` makes database and keys, and
    `serve` serves. Every command tells more with --help.

    Exit status: 0 where it was done; 1, with a line that says why, where not; 2 for a wrong command line; 3 where a
    change of the rules waits for a second person; 70 for a mistake of the program.
    """


commands.add_command(accounts)
commands.add_command(aws)
commands.add_command(keys)
commands.add_command(audit)
commands.add_command(rules)
commands.add_command(preview)
commands.add_command(explain)
commands.add_command(sign_ins)
commands.add_command(review)
commands.add_command(people)
commands.add_command(incident)
commands.add_command(scim)
commands.add_command(signals)
commands.add_command(grants)
commands.add_command(healthy)
commands.add_command(notices)
commands.add_command(backup)
commands.add_command(restore)


def main() -> None:
    """Runs the command line; a refusal is one plain line on stderr and exit status 1."""
    try:
        commands()
    except BridgeError as refusal:
        click.echo(f"federation-bridge: {refusal.detail}", err=True)
        sys.exit(1)


@commands.command()
@SETTINGS
def serve(path: Path) -> None:
    """Serve the bridge until it is told to stop."""
    from federation_bridge.operate.serving import bridge  # noqa: PLC0415 - imports the server's libraries

    with logs.to_stderr() as lines:
        bridge.serve(load_settings(path), lines)


@commands.command()
@SETTINGS
@click.option("--json", "as_json", is_flag=True, help="One JSON list of what was found, for a pipeline.")
def check(path: Path, *, as_json: bool) -> None:
    """Check everything that can be wrong, and say what is wrong and how to correct it.

    Exit status: 0 where nothing is wrong, warnings included; 1 where something is; 2 for a wrong command line.
    """
    from federation_bridge.operate import check as checking  # noqa: PLC0415 - imports the server's libraries

    findings = checking.findings(path)
    if as_json:
        click.echo(json.dumps([one.to_json() for one in findings], indent=2))
    for finding in () if as_json else findings:
        click.echo(f"{finding.severity.value:8} {finding.sentence}")
    if any(finding.severity is checking.Severity.WRONG for finding in findings):
        sys.exit(1)


@commands.command()
@SETTINGS
@OWNER
@OWNER_PASSWORD
def migrate(path: Path, owner: str, owner_password: Path | None) -> None:
    """Bring the database to the present schema. Create it, and our keys, where they do not exist yet.

    Needed on PostgreSQL after an update; SQLite does it by itself. With --owner the service's own user, whom the
    settings name, gets the rights that the service needs, and loses all others.
    """
    from federation_bridge.operate import preparation  # noqa: PLC0415 - imports the server's libraries

    for line in preparation.migrate(load_settings(path), owner, owner_password):
        click.echo(line)


@commands.command("settings")
def show_settings() -> None:
    """Show every setting with its default and what it means."""
    from federation_bridge.operate import reference  # noqa: PLC0415 - imports pydantic

    click.echo(reference.markdown(), nl=False)


@commands.group()
def issuer() -> None:
    """What AWS needs to know about the bridge."""


@issuer.command()
@SETTINGS
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), required=True, help="The folder.")
def export(path: Path, folder: Path) -> None:
    """Write the SAML metadata, the OIDC discovery document and the keys as files, to publish them elsewhere."""
    from federation_bridge.operate import export  # noqa: PLC0415 - imports the server's libraries

    for written in export.export(load_settings(path), folder):
        click.echo(str(written))


@commands.command("trust-policy")
@SETTINGS
@click.argument("account")
@click.argument("role")
@click.option("--web-identity-file", is_flag=True, help="As if the register allowed web identity files for the role.")
def trust_policy(path: Path, account: str, role: str, *, web_identity_file: bool) -> None:
    """Print the trust policy with which ROLE in ACCOUNT trusts the bridge, and nobody else."""
    from federation_bridge.operate import export  # noqa: PLC0415 - imports the server's libraries

    policy = export.trust_policy(load_settings(path), account, role, is_pinned=web_identity_file)
    click.echo(json.dumps(policy, indent=2))


@commands.group()
def metadata() -> None:
    """The metadata of identity providers."""


@metadata.command("show")
@SETTINGS
@click.argument("connection", required=False)
def show_metadata(path: Path, connection: str | None) -> None:
    """Show for every connection, or for CONNECTION, what is in force, what expires, and what waits to be accepted."""
    from federation_bridge.operate import metadata as documents  # noqa: PLC0415 - imports the server's libraries

    for line in documents.lines(load_settings(path), connection):
        click.echo(line)


@metadata.command("refresh")
@SETTINGS
@click.argument("connection")
def refresh_metadata(path: Path, connection: str) -> None:
    """Fetch the metadata of CONNECTION from its identity provider now. The result is in force on every node at once."""
    from federation_bridge.operate import metadata as documents  # noqa: PLC0415 - imports the server's libraries

    for line in documents.refresh(load_settings(path), connection):
        click.echo(line)


@metadata.command()
@SETTINGS
@click.argument("connection")
@click.option("--document", "digest", default="", help="Only the document that `metadata show` names so.")
def accept(path: Path, connection: str, digest: str) -> None:
    """Accept what waits at CONNECTION: endpoints on another host, new signing keys (`hold_new_keys`)."""
    from federation_bridge.operate import metadata as documents  # noqa: PLC0415 - imports the server's libraries

    accepted = documents.accept(load_settings(path), connection, digest)
    click.echo(f"In force on every node: {accepted}" if accepted else "Nothing waits there.")


@commands.group()
def sessions() -> None:
    """Who is signed in: browsers and command lines."""


@sessions.command("list")
@SETTINGS
@click.option("--person", default="", help="Only this person (connection/subject).")
def list_sessions(path: Path, person: str) -> None:
    """Show the sessions and command lines that are valid now."""
    from federation_bridge.operate import signed_in  # noqa: PLC0415 - imports the server's libraries

    for line in signed_in.lines(load_settings(path), person):
        click.echo(line)


@sessions.command("end")
@SETTINGS
@click.option("--person", default="", help="All of this person (connection/subject).")
@click.option("--id", "family_id", default="", help="One command line, by the id that `list` shows.")
@click.option("--in-aws", is_flag=True, help="With --person: end the person's AWS sessions, too.")
def end_sessions(path: Path, person: str, family_id: str, *, in_aws: bool) -> None:
    """End sessions and command lines at once. Without --in-aws, AWS sessions stay valid until they expire."""
    from federation_bridge.operate import signed_in  # noqa: PLC0415 - imports the server's libraries

    if bool(person) == bool(family_id):
        raise click.UsageError("give either --person or --id")
    if in_aws and not person:
        raise click.UsageError("--in-aws goes with --person")
    if person:
        for line in signed_in.end_of_person(load_settings(path), person, in_aws=in_aws):
            click.echo(line)
    else:
        signed_in.end_of_family(load_settings(path), family_id)
        click.echo("1 ended.")


class _Sandbox(click.Group):
    """Commands of the sandbox, imported when they are asked for: the server does not need them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names."""
        return ["aws"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name; one line and exit status 1 where the extra is not installed."""
        if cmd_name not in self.list_commands(ctx):
            return None
        _need_sandbox()
        from federation_bridge.sandbox.aws.command import aws_command  # noqa: PLC0415 - imports the sandbox

        return aws_command


@commands.group(cls=_Sandbox)
def sandbox() -> None:
    """A local AWS that refuses what AWS refuses, for trying things out."""


@commands.command()
@click.option("--once", is_flag=True, help="Stop when the walk is done, instead of staying up for a browser.")
@click.option("--port", type=click.IntRange(1, 65533), help="Port of the bridge; the next two are used as well.")
def demo(once: bool, port: int | None) -> None:
    """Open an example company on this machine, walk the main job, and stay up for a browser."""
    _need_sandbox()
    from federation_bridge.sandbox import demo as walking  # noqa: PLC0415 - imports the libraries of server and sandbox

    sys.exit(walking.main([*(["--once"] if once else []), *(["--port", str(port)] if port else [])]))


def _need_sandbox() -> None:
    if find_spec("signxml") is None:
        click.echo(not_installed("sandbox"), err=True)
        sys.exit(1)
