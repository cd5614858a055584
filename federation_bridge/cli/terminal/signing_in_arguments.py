"""The commands of signing in and out, as they are written on the command line."""

from __future__ import annotations

from federation_bridge.cli.commands import bridges, signing_in
from federation_bridge.cli.i18n import say
from federation_bridge.cli.terminal.command_arguments import (
    Under,
    command,
    json_option,
    ways,
)


def signing_in_commands(under: Under) -> None:
    """Adds `login`, `use`, `logout`, `whoami` and `headers`."""
    for add in (_login, _use, _logout, _whoami, _headers):
        add(under)


def _login(under: Under) -> None:
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
    login.add_argument("--name", default="", help=say("a name for the bridge, if you have several"))
    ways(login)


def _use(under: Under) -> None:
    use = command(
        under,
        "use",
        bridges.use,
        say("Choose the bridge that commands use by default"),
        examples=("fedbridge use work",),
    )
    use.add_argument("name", nargs="?", default="", metavar="NAME", help=say("its name, or its address"))


def _logout(under: Under) -> None:
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


def _whoami(under: Under) -> None:
    whoami = command(
        under,
        "whoami",
        signing_in.whoami,
        say("Who is signed in, and until when"),
        examples=("fedbridge whoami --json",),
    )
    json_option(whoami)


def _headers(under: Under) -> None:
    headers = command(
        under,
        "headers",
        signing_in.headers,
        say("The headers for one call of the administration API"),
        more=say(
            "Run login --administration first. The headers are valid once, within a minute, and for this method and "
            "address only."
        ),
        examples=("fedbridge headers GET /administration/me",),
    )
    headers.add_argument("method", choices=("GET", "POST"), help=say("the method of the call"))
    headers.add_argument("path", metavar="/administration/PATH", help=say("the address of the call, below /api/v1"))
