"""The checker that the library's authors made finds nothing wrong with our server."""

from __future__ import annotations

from pathlib import Path

from databases import HeldClock
from scim_factories import client_of, scim_app


def test_the_checker_finds_nothing(tmp_path: Path, clock: HeldClock) -> None:
    # Here, because each process that collects tests would take seconds to load it.
    from scim2_client.engines.wsgi import WSGISCIMClient  # noqa: PLC0415 - it takes a second
    from scim2_tester import Status, check_server  # noqa: PLC0415 - it takes a second

    app = scim_app(tmp_path, clock)
    client = client_of(app)
    peer = WSGISCIMClient(
        app,
        base_url="https://aws.example.com/scim/v2/corp",
        headers={"Authorization": f"Bearer {client.token}"},
    )
    results = check_server(peer)
    wrong = [(one.title, one.reason) for one in results if one.status in (Status.ERROR, Status.CRITICAL)]
    assert wrong == []
    assert len([one for one in results if one.status is Status.SUCCESS]) > 50
