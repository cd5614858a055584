"""What can be asked on the command line, in the order in which a person meets it, and the help."""

from __future__ import annotations

import argparse
from typing import Any

from federation_bridge import __version__
from federation_bridge.cli.commands import (
    bridges,
    completion,
    configure,
    credentials,
    doctor,
    running,
    signing_in,
    web_identity,
)
from federation_bridge.cli.i18n import say
from federation_bridge.cli.terminal.agent_arguments import agent_commands
from federation_bridge.cli.terminal.argument_words import Parser
from federation_bridge.cli.terminal.command_arguments import (
    Under,
    command,
    command_words,
    region_option,
    role_options,
    role_words,
    ways,
)
from federation_bridge.cli.terminal.completion import SCRIPTS
from federation_bridge.cli.terminal.shell_arguments import shell_commands
from federation_bridge.delivery import FORMATS


def parser() -> argparse.ArgumentParser:
    """The parser of every command, in the order in which a person meets them."""
    top = Parser(prog="fedbridge", description=_about(), epilog=_closing())
    top.add_argument("--version", action="version", version=f"fedbridge {__version__}", help=say("show the release"))
    top.set_defaults(run=bridges.overview)
    under: Any = top.add_subparsers(title=say("commands"), metavar="COMMAND", parser_class=Parser)
    _signing_in(under)
    _roles(under)
    shell_commands(under)
    agent_commands(under)
    _tools(under)
    _help(under)
    return top


def _signing_in(under: Under) -> None:
    login = command(
        under,
        "login",
        signing_in.login,
        say("Sign in, once a day"),
        more=say("Opens your browser; where there is none, shows a code that you type in any browser."),
        examples=(
            "fedbridge login https://aws.example.com",
            "fedbridge login https://aws.other.example --name other",
            "fedbridge login --device",
        ),
    )
    login.add_argument("--administration", action="store_true", help=say("to administer the bridge, for an hour"))
    login.add_argument("address", nargs="?", default="", metavar="https://aws.example.com", help=say("the bridge"))
    login.add_argument("--name", default="", help=say("what to call the bridge, where you have several"))
    ways(login)
    use = command(
        under,
        "use",
        bridges.use,
        say("The bridge that commands use which name none"),
        examples=("fedbridge use work",),
    )
    use.add_argument("name", nargs="?", default="", metavar="NAME", help=say("its name, or its address"))
    logout = command(
        under,
        "logout",
        signing_in.logout,
        say("Sign out, here and at the bridge"),
        more=say(
            "Ends the session at the bridge and removes its files here. "
            "Credentials that tools already hold last until their end."
        ),
    )
    logout.add_argument("--all", action="store_true", help=say("at every bridge that this computer knows"))
    whoami = command(
        under,
        "whoami",
        signing_in.whoami,
        say("Who is signed in, and until when"),
        examples=("fedbridge whoami --json",),
    )
    whoami.add_argument("--json", action="store_true", help=say("for programs"))
    headers = command(
        under,
        "headers",
        signing_in.headers,
        say("The headers of one call to administer the bridge"),
        more=say("After login --administration. They hold for this method and address, once and within a minute."),
        examples=("fedbridge headers GET /administration/me",),
    )
    headers.add_argument("method", choices=("GET", "POST"), help=say("the method of the call"))
    headers.add_argument("path", metavar="/administration/PATH", help=say("its address below /api/v1"))


def _roles(under: Under) -> None:
    roles = command(
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
    ways(roles)
    credentials_ = command(
        under,
        "credentials",
        credentials.credentials,
        say("Credentials of one role, as text"),
        more=say("Prefer exec, or the profiles of configure: they renew."),
        examples=('eval "$(fedbridge credentials production/Developer --format env)"',),
    )
    role_options(credentials_)
    region_option(credentials_)
    credentials_.add_argument(
        "--format", choices=sorted(FORMATS), default="json", help=say("which program the text is for")
    )
    ways(credentials_)
    exec_ = command(
        under,
        "exec",
        running.exec_,
        say("Run a command as a role, for as long as it takes"),
        more=say("AWS tools that it runs get credentials from an endpoint on this computer, renewed until it ends."),
        examples=("fedbridge exec production/Developer -- terraform plan",),
    )
    role_options(exec_)
    exec_.add_argument("--variables", action="store_true", help=say("pass keys as variables; they are not renewed"))
    region_option(exec_)
    command_words(exec_)
    ways(exec_)
    console = command(
        under,
        "console",
        credentials.console,
        say("Open the AWS console as a role"),
        more=say(
            "Opens this role's page at the bridge, where you press a button. Without a browser it writes the address."
        ),
        examples=(
            "fedbridge console production/Developer",
            "fedbridge console production/Developer --to /s3/home",
        ),
    )
    role_words(console)
    console.add_argument("--to", default="", metavar="PAGE", help=say("the console page to open"))
    console.add_argument("--duration", metavar="1h", default="", help=say("how long the console shall stay open"))
    console.add_argument("--reason", default="", help=say("why you need them, for the audit"))
    console.add_argument("--print", action="store_true", help=say("write the link instead of opening it"))
    ways(console)


def _tools(under: Under) -> None:
    configure_ = command(
        under,
        "configure",
        configure.configure,
        say("Bring ~/.aws/config up to date: a profile per role"),
        more=say("Says what changes first. It changes only what it wrote itself. Run it again when your roles change."),
        examples=(
            "fedbridge configure",
            "fedbridge configure --template '{account}.{role}' --dry-run --diff",
        ),
    )
    configure_.add_argument(
        "--template",
        default="",
        help=say("profile names, from {places}", places="{account} {account_name} {role} {partition} {bridge}"),
    )
    configure_.add_argument(
        "--filter",
        default="",
        metavar="TEXT",
        help=say("only roles with these letters; other profiles stay"),
    )
    configure_.add_argument("--replace", action="store_true", help=say("with --filter: the other profiles go"))
    configure_.add_argument(
        "--min-remaining", metavar="30m", default="", help=say("the credentials must last at least this long")
    )
    configure_.add_argument("--sso", action="store_true", help=say("sign in by the token cache of AWS clients instead"))
    configure_.add_argument("--yes", action="store_true", help=say("write without asking"))
    configure_.add_argument("--diff", action="store_true", help=say("show the whole difference"))
    configure_.add_argument("--dry-run", action="store_true", help=say("say what would change and write nothing"))
    ways(configure_)
    process = command(
        under,
        "credential-process",
        credentials.credential_process,
        say("For AWS tools: what a profile runs"),
        more=say(
            "Answers from the cache while it is valid, and renews it before its end. configure writes a faster command."
        ),
        examples=("credential_process = fedbridge credential-process --role 111122223333/Developer",),
    )
    role_options(process)
    process.add_argument("--folder", default="", help=argparse.SUPPRESS)
    process.add_argument("--renew", action="store_true", help=argparse.SUPPRESS)
    ways(process)
    serve = command(
        under,
        "serve",
        running.serve,
        say("Serve a role to containers' and SDKs' credentials endpoint"),
        more=say("Writes what your shell needs and serves until it is stopped."),
        examples=("fedbridge serve production/Developer --port 9911",),
    )
    role_options(serve)
    region_option(serve)
    serve.add_argument("--port", type=int, default=0, help=say("a fixed port of 127.0.0.1"))
    ways(serve)
    token_file = command(
        under,
        "web-identity",
        web_identity.web_identity,
        say("A token file for tools that ask AWS STS themselves"),
        examples=("fedbridge web-identity production/Developer -- terraform plan",),
    )
    role_words(token_file)
    token_file.add_argument("--reason", default="", help=say("why you need them, for the audit"))
    region_option(token_file)
    command_words(token_file)
    ways(token_file)


def _help(under: Under) -> None:
    doctor_ = command(
        under,
        "doctor",
        doctor.doctor,
        say("Say what is wrong, in words"),
        more=say(
            "Looks at the bridge, your session, the environment and ~/.aws; ends with 1 where something is wrong."
        ),
        examples=("fedbridge doctor", "fedbridge doctor https://aws.example.com"),
    )
    doctor_.add_argument(
        "address",
        nargs="?",
        default="",
        metavar="https://aws.example.com",
        help=say("before a first login"),
    )
    completion_ = command(
        under,
        "completion",
        completion.completion,
        say("The completion script of a shell"),
        examples=("source <(fedbridge completion bash)",),
    )
    completion_.add_argument(
        "shell", nargs="?", default="", choices=("", *sorted(SCRIPTS)), metavar="SHELL", help=", ".join(sorted(SCRIPTS))
    )
    help_ = under.add_parser(
        "help",
        help=say("What a command does, and its options"),
        description=say("What a command does, and its options."),
        epilog="\n".join((say("For example:"), "  fedbridge help exec")),
    )
    help_.add_argument("words", nargs="*", metavar="COMMAND", help=say("the command; without one, all of them"))
    help_.set_defaults(run=completion.help_, bridge="")
    complete = under.add_parser("complete", add_help=False)
    complete.add_argument("words", nargs=argparse.REMAINDER)
    complete.set_defaults(run=completion.complete, bridge="")


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
        "6 bridge unreachable, 7 bridge refused, 8 this computer refused, 9 AWS refused, 10 too short,\n"
        "70 a fault of fedbridge, 130 stopped.\n"
        "\n"
        "Environment: FEDBRIDGE_BRIDGE, FEDBRIDGE_URL, FEDBRIDGE_FOLDER, FEDBRIDGE_TOKEN_STORE (keyring, file),\n"
        "FEDBRIDGE_ROLE (the default role), FEDBRIDGE_CA_BUNDLE, FEDBRIDGE_LANGUAGE, HTTPS_PROXY, NO_PROXY, NO_COLOR."
    )
