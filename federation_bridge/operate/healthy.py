"""`federation-bridge healthy`: asks the bridge on this machine, as a container's health check does every few seconds.

It imports neither the server nor the settings' checks, so that asking costs next to nothing.
"""

from __future__ import annotations

import http.client
import sys
from pathlib import Path

import click
import yaml

from federation_bridge.operate.options import SETTINGS

_USUAL = "127.0.0.1:8400"
"""What `serving.listen` is where no setting says otherwise."""
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - asked, not listened at
_SECONDS = 5


@click.command()
@SETTINGS
@click.option("--ready", is_flag=True, help="Ask whether it can do its work (/readyz), not only whether it answers.")
def healthy(path: Path, *, ready: bool) -> None:
    """Ask the bridge on this machine whether it answers: for the health check of a container.

    Exit status: 0 where it does; 1, with a line that says why, where it does not; 2 for a wrong command line.
    """
    host, port = listening_at(path)
    asked = "/readyz" if ready else "/healthz"
    said = f"federation-bridge: {asked} at {host} port {port}"
    connection = http.client.HTTPConnection(host, port, timeout=_SECONDS)
    try:
        connection.request("GET", asked)
        status = connection.getresponse().status
    except ConnectionRefusedError:
        click.echo(f"{said}: nothing listens there: the service does not run, or not with these settings", err=True)
        sys.exit(1)
    except (OSError, http.client.HTTPException) as problem:
        click.echo(f"{said}: {str(problem) or type(problem).__name__}", err=True)
        sys.exit(1)
    finally:
        connection.close()
    if status != http.HTTPStatus.OK:
        click.echo(f"{said}: answers {status}", err=True)
        sys.exit(1)


def listening_at(path: Path) -> tuple[str, int]:
    """Address and port at which the bridge of these settings is asked.

    The file is not judged here: where it says nothing that can be read, the usual address is asked, and what answers
    (or does not) is what counts.
    """
    listen = _USUAL
    try:
        listen = str(yaml.safe_load(path.read_text(encoding="utf-8"))["serving"]["listen"])
        int(listen.rpartition(":")[2])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError, LookupError, TypeError, ValueError):
        listen = _USUAL
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    return _EVERYWHERE.get(host, host), int(port)
