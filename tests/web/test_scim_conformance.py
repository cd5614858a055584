"""The checker that the library's authors made finds nothing wrong with our server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from databases import HeldClock
from scim_factories import client_of, scim_app
from web_factories import write_files


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


def test_a_bridge_that_takes_no_scim_loads_none_of_it(tmp_path: Path) -> None:
    """The library of the messages takes a third of a second to load, in each worker of each node."""
    settings = write_files(tmp_path)
    code = (
        "import sys; from pathlib import Path; from federation_bridge.app import create_app;"
        "from federation_bridge.settings import load_settings;"
        f"create_app(load_settings(Path({str(settings)!r})));"
        "print([name for name in sys.modules if name.startswith(('scim2_models', 'lark'))])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert found.stdout.strip().splitlines()[-1] == "[]"
