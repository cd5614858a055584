"""Ports of the sandbox: a process that is told its port before it starts finds it free."""

from __future__ import annotations

import errno
import socket
import sys
from contextlib import closing
from pathlib import Path

import pytest

from federation_bridge.sandbox import company
from federation_bridge.sandbox.serving import held_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody can hold a port for another process")


def test_a_port_is_held_for_whoever_was_told_it() -> None:
    with held_port() as port:
        with closing(socket.socket()) as other, pytest.raises(OSError, match="in use") as refused:
            other.bind(("127.0.0.1", port))
        assert refused.value.errno == errno.EADDRINUSE
        # As the bridge listens (operate/serving): while it is held, and after.
        with socket.create_server(("127.0.0.1", port)) as one, socket.create_connection(("127.0.0.1", port), 5):
            one.accept()[0].close()
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_the_bridge_of_the_company_starts_at_a_port_that_is_held_until_it_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[bool] = []
    wait = company._wait_until

    def watched(*given: object) -> None:
        port = int(str(given[1]).split(":")[2].split("/")[0])
        with closing(socket.socket()) as other:
            try:
                other.bind(("127.0.0.1", port))
            except OSError:
                refused.append(True)
            else:
                refused.append(False)
        wait(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(company, "_wait_until", watched)
    with company.open_company(tmp_path):
        pass
    assert refused == [True, True]
