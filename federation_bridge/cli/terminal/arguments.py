"""What can be asked on the command line, in the order in which a person meets it, and the help."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from federation_bridge import __version__
from federation_bridge.cli.aws_config.profiles import TEMPLATE
from federation_bridge.cli.commands import completion, configure, credentials, doctor, running, signing_in, web_identity
from federation_bridge.cli.commands.invocation import Invocation
from federation_bridge.cli.i18n import say
from federation_bridge.cli.terminal.argument_words import Parser
from federation_bridge.cli.terminal.completion import SCRIPTS
from federation_bridge.delivery import FORMATS

if TYPE_CHECKING:
    _Under = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - argparse names it no other way


def parser() -> argparse.ArgumentParser:
    """The parser of every command, in the order in which a person meets them."""
    top = Parser(prog="fedbridge", description=_about(), epilog=_closing())
    top.add_argument("--version", action="version", version=f"fedbridge {__version__}", help=say("show the release"))
    under: Any = top.add_subparsers(title=say("commands"), metavar="COMMAND", required=True, parser_class=Parser)
    _signing_in(under)
    _roles(under)
    _tools(under)
    _help(under)
    return top


def _command(
    under: _Under,
    name: str,
    run_it: Callable[[Invocation], int],
    about: str,
    *,
    more: str = "",
    examples: Sequence[str] = (),
) -> argparse.ArgumentParser:
    """A command: `about` in one line for the list, `more` behind it in its own help, `examples` as they are typed."""
    sentence = say("{about}.", about=about)
    description = f"{sentence}\n{more}" if more else sentence
    lines = [say("For example:"), *(f"  {example}" for example in examples)]
    made = under.add_parser(name, help=about, description=description, epilog="\n".join(lines) if examples else None)
    made.set_defaults(run=run_it, role=None, address="", folder="", way="auto", administration=False)
    return made


def _ways(command: argparse.ArgumentParser) -> None:
    ways = command.add_mutually_exclusive_group()
    for name, about in (
        ("browser", say("sign in in a browser on this computer")),
        ("device", say("sign in with a code, in any browser")),
    ):
        ways.add_argument(f"--{name}", dest="way", action="store_const", const=name, help=about)
    ways.add_argument(
        "--no-login", dest="way", action="store_const", const="never", help=say("fail if nobody is signed in")
    )


def _role_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--role", metavar="ACCOUNT/ROLE", help=say("by number or name; asked for if missing"))
    command.add_argument(
        "--min-remaining", metavar="30m", default="", help=say("the credentials must last at least this long")
    )
    command.add_argument("--duration", metavar="1h", default="", help=say("how long fresh credentials shall last"))
    command.add_argument("--reason", default="", help=say("why you need them, for the audit"))


def _signing_in(under: _Under) -> None:
    login = _command(
        under,
        "login",
        signing_in.login,
        say("Sign in, once a day"),
        more=say("Opens your browser; where there is none, shows a code that you type in any browser."),
        examples=(
            "fedbridge login https://aws.example.com",
            "fedbridge login --device",
        ),
    )
    login.add_argument("--administration", action="store_true", help=say("to administer the bridge, for an hour"))
    login.add_argument("address", nargs="?", default="", metavar="https://aws.example.com", help=say("the bridge"))
    _ways(login)
    _command(
        under,
        "logout",
        signing_in.logout,
        say("Sign out, here and at the bridge"),
        more=say(
            "Ends the session at the bridge and removes its files here. "
            "Credentials that tools already hold last until their end."
        ),
    )
    whoami = _command(
        under,
        "whoami",
        signing_in.whoami,
        say("Who is signed in, and until when"),
        examples=("fedbridge whoami --json",),
    )
    whoami.add_argument("--json", action="store_true", help=say("for programs"))
    headers = _command(
        under,
        "headers",
        signing_in.headers,
        say("The headers of one call to administer the bridge"),
        more=say("After login --administration. They hold for this method and address, once and within a minute."),
        examples=("fedbridge headers GET /administration/me",),
    )
    headers.add_argument("method", choices=("GET", "POST"), help=say("the method of the call"))
    headers.add_argument("path", metavar="/administration/PATH", help=say("its address below /api/v1"))


def _roles(under: _Under) -> None:
    roles = _command(
        under,
        "roles",
        credentials.roles,
        say("The roles you may have now"),
        examples=(
            "fedbridge roles --filter prodadm",
            "fedbridge roles --json",
        ),
    )
    roles.add_argument("--filter", default="", metavar="TEXT", help=say("letters of the name, in order"))
    roles.add_argument("--json", action="store_true", help=say("for programs"))
    _ways(roles)
    credentials_ = _command(
        under,
        "credentials",
        credentials.credentials,
        say("Credentials of one role, as text"),
        more=say("Prefer exec, or the profiles of configure: they renew."),
        examples=('eval "$(fedbridge credentials --role production/Developer --format env)"',),
    )
    _role_options(credentials_)
    credentials_.add_argument(
        "--format", choices=sorted(FORMATS), default="json", help=say("which program the text is for")
    )
    _ways(credentials_)
    exec_ = _command(
        under,
        "exec",
        running.exec_,
        say("Run a command as a role, for as long as it takes"),
        more=say("AWS tools that it runs get credentials from an endpoint on this computer, renewed until it ends."),
        examples=("fedbridge exec --role production/Developer -- terraform plan",),
    )
    _role_options(exec_)
    exec_.add_argument("--variables", action="store_true", help=say("pass keys as variables; they are not renewed"))
    exec_.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help=say("the command to run"))
    _ways(exec_)
    console = _command(
        under,
        "console",
        credentials.console,
        say("Open the AWS console as a role"),
        more=say(
            "Opens this role's page at the bridge, where you press a button. Without a browser it writes the address."
        ),
        examples=(
            "fedbridge console --role production/Developer",
            "fedbridge console --role production/Developer --to /s3/home",
        ),
    )
    console.add_argument("--role", metavar="ACCOUNT/ROLE", help=say("by number or name; asked for if missing"))
    console.add_argument("--to", default="", metavar="PAGE", help=say("the console page to open"))
    console.add_argument("--print", action="store_true", help=say("write the link instead of opening it"))
    _ways(console)


def _tools(under: _Under) -> None:
    configure_ = _command(
        under,
        "configure",
        configure.configure,
        say("Bring ~/.aws/config up to date: a profile per role"),
        more=say(
            "Shows the difference first. It changes only what it wrote itself. Run it again when your roles change."
        ),
        examples=(
            "fedbridge configure",
            "fedbridge configure --template '{account}.{role}' --dry-run",
        ),
    )
    configure_.add_argument(
        "--template",
        default=TEMPLATE,
        help=say("profile names, from {places}", places="{account} {account_name} {role} {partition}"),
    )
    configure_.add_argument(
        "--filter", default="", metavar="TEXT", help=say("only roles with these letters in their name")
    )
    configure_.add_argument(
        "--min-remaining", metavar="30m", default="", help=say("the credentials must last at least this long")
    )
    configure_.add_argument("--sso", action="store_true", help=say("sign in by the token cache of AWS clients instead"))
    configure_.add_argument("--yes", action="store_true", help=say("write without asking"))
    configure_.add_argument("--dry-run", action="store_true", help=say("show the difference and write nothing"))
    _ways(configure_)
    process = _command(
        under,
        "credential-process",
        credentials.credential_process,
        say("For AWS tools: what a profile runs"),
        more=say(
            "Answers from the cache while it is valid, and renews it before its end. configure writes a faster command."
        ),
        examples=("credential_process = fedbridge credential-process --role 111122223333/Developer",),
    )
    _role_options(process)
    process.add_argument("--folder", default="", help=argparse.SUPPRESS)
    process.add_argument("--renew", action="store_true", help=argparse.SUPPRESS)
    _ways(process)
    serve = _command(
        under,
        "serve",
        running.serve,
        say("Serve a role to containers' and SDKs' credentials endpoint"),
        more=say("Writes two lines for your shell and serves until it is stopped."),
        examples=("fedbridge serve --role production/Developer --port 9911",),
    )
    _role_options(serve)
    serve.add_argument("--port", type=int, default=0, help=say("a fixed port of 127.0.0.1"))
    _ways(serve)
    token_file = _command(
        under,
        "web-identity",
        web_identity.web_identity,
        say("A token file for tools that ask AWS STS themselves"),
        examples=("fedbridge web-identity --role production/Developer -- terraform plan",),
    )
    token_file.add_argument("--role", metavar="ACCOUNT/ROLE", help=say("by number or name; asked for if missing"))
    token_file.add_argument("--reason", default="", help=say("why you need them, for the audit"))
    token_file.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help=say("the command to run"))
    _ways(token_file)


def _help(under: _Under) -> None:
    _command(
        under,
        "doctor",
        doctor.doctor,
        say("Say what is wrong, in words"),
        more=say(
            "Looks at the bridge, your session, the environment and ~/.aws; ends with 1 where something is wrong."
        ),
    )
    completion_ = _command(
        under,
        "completion",
        completion.completion,
        say("The completion script of a shell"),
        examples=("source <(fedbridge completion bash)",),
    )
    completion_.add_argument("shell", choices=sorted(SCRIPTS))
    complete = under.add_parser("complete", add_help=False)
    complete.add_argument("words", nargs=argparse.REMAINDER)
    complete.set_defaults(run=completion.complete, address="", folder="", way="never", administration=False)


def _about() -> str:
    return say("Sign in once at your company; every AWS tool then works, as the roles you have.")


def _closing() -> str:
    return say(
        "Start here:\n"
        "  fedbridge login https://aws.example.com\n"
        "  fedbridge configure                       a profile per role\n"
        "  AWS_PROFILE=production-Developer terraform plan\n"
        "\n"
        "Exit statuses: 0 done, 2 called wrongly, 3 nobody signed in, 4 sign-in refused, 5 no such role,\n"
        "6 bridge unreachable, 7 bridge refused, 8 this computer refused, 9 AWS refused, 10 too short, 130 stopped.\n"
        "\n"
        "Environment: FEDBRIDGE_URL, FEDBRIDGE_FOLDER, FEDBRIDGE_TOKEN_STORE (keyring, file), FEDBRIDGE_CA_BUNDLE,\n"
        "FEDBRIDGE_LANGUAGE, HTTPS_PROXY, NO_PROXY, NO_COLOR."
    )
