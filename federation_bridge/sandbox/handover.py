"""The last words of the demo: where everything is, who may sign in, and the lines for a terminal of one's own."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent, wrap

from federation_bridge.sandbox.aws_cli import AwsCli
from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.company_files import TRIED_RULE

COLUMNS = 80
_HELD = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"),
    *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ENDPOINT_URL"),
    *("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
    *("FEDBRIDGE_BRIDGE", "FEDBRIDGE_URL", "FEDBRIDGE_ROLE"),
)
"""What a shell may hold that would win over the demo's profiles and its bridge."""


def write_environment(company: Company, cli: AwsCli) -> Path:
    """A file for a POSIX shell to read, after which `fedbridge` and `aws` use the demo and touch nothing else."""
    home = company.folder / "terminal"
    home.mkdir(mode=0o700)
    search = os.pathsep.join((str(Path(sys.executable).parent), str(Path(cli.command[0]).parent)))
    aws = company.addresses.aws
    values = {
        "FEDBRIDGE_FOLDER": str(home / "fedbridge"),
        "FEDBRIDGE_TOKEN_STORE": "file",
        "FEDERATION_BRIDGE_SETTINGS": str(company.folder / "settings.yaml"),
        "AWS_CONFIG_FILE": str(home / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "credentials"),
        "AWS_ENDPOINT_URL_STS": aws,
        "AWS_ENDPOINT_URL_S3": aws,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    lines = [
        "# For bash, zsh and other POSIX shells: from here on, fedbridge and aws use the demo alone.",
        f"unset {' '.join(_HELD)}",
        *(f"export {name}={shlex.quote(value)}" for name, value in values.items()),
        f'export PATH={shlex.quote(search)}"{os.pathsep}$PATH"',
    ]
    file = company.folder / "terminal.sh"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def invitation(company: Company, environment: Path) -> str:
    """What is told when the walk is over, in lines of `COLUMNS` at most; `environment`: see `write_environment`."""
    return "\n".join(
        (
            "",
            "Now it is yours, until Ctrl-C:",
            f"  the bridge             {company.bridge}/",
            f"  the identity provider  {company.addresses.provider}/",
            f"  the local AWS          {company.addresses.aws}/",
            "  settings, audit, and the rules as they began:",
            f"    {company.folder}",
            "",
            "People, with their passwords:",
            *_people(company),
            "",
            *_at_a_terminal(company, environment),
            "",
            *_to_try(company),
            "",
        )
    )


def commands(company: Company, environment: Path) -> tuple[str, ...]:
    """The lines to paste into a shell, in order."""
    return (
        f". {shlex.quote(str(environment))}",
        f"fedbridge login {company.bridge}",
        "fedbridge configure --yes",
        "aws sts get-caller-identity --profile production-Developer",
        "aws s3 ls s3://production-reports/2026/ --profile production-Developer",
    )


def _people(company: Company) -> Iterator[str]:
    for person in company.directory:
        before = f"  {person.login:6} {person.password:14} "
        lines = wrap(person.story, COLUMNS - len(before))
        yield before + lines[0]
        yield from (" " * len(before) + line for line in lines[1:])


def _at_a_terminal(company: Company, environment: Path) -> Iterator[str]:
    yield "At a terminal, signing in as ada (your own files of AWS stay as they are):"
    yield from (f"  {line}" for line in commands(company, environment))
    yield "As ivy there are 200 roles to choose from."


def _to_try(company: Company) -> Iterator[str]:
    """How to change who may have what, as docs/administration.md leads through it."""
    yield "Who administers changes the rules, at:"
    yield f"  {company.bridge}/administration"
    yield "To try:"
    yield "  1. Sign in as dan: no role, and why."
    yield "  2. As ada, in another browser: Change the rules. Add at the end:"
    yield ""
    yield indent(TRIED_RULE, "     ").rstrip("\n")
    yield ""
    yield "     Check says who gains what. Put in force asks why, and waits: it is about"
    yield "     production."
    yield "  3. As fay, in a third browser: open what waits, and put it in force. dan has"
    yield "     the role at the next click."
    yield "  4. As ada or fay: People says why dan has it. The first version puts things"
    yield "     back."
    yield "At the terminal from above, as the operator:"
    yield "  federation-bridge rules history"
