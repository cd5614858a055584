# ruff: noqa: F811 - fixtures are named where they are asked for
"""`fedbridge doctor` before a login: all that needs no session is looked at, and nothing is made."""

from __future__ import annotations

from pathlib import Path

from cli_factories import Person
from doctor_fixtures import NO_KEYRING, RUNS, bridge, findings  # noqa: F401 - a fixture
from fake_bridge import FakeBridge
from network_factories import Authority


def test_before_a_login_all_that_needs_no_bridge_is_looked_at_and_nothing_is_made(tmp_path: Path) -> None:
    nobody = Person(tmp_path, "")
    status, well, wrong = findings(nobody)
    assert (status, wrong) == (1, ["No bridge is known here yet. Please run: fedbridge login https://aws.example.com"])
    assert well == [
        RUNS,
        f"Sessions are kept in files below {tmp_path}/.local/state/fedbridge, readable by you alone.",
        f"Profiles in {tmp_path}/.aws/config: 0. fedbridge configure adds one per role.",
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_bridge_can_be_looked_at_before_the_first_login_there_and_nothing_is_made(
    bridge: FakeBridge, tmp_path: Path
) -> None:
    status, out, _ = Person(tmp_path, bridge.address).run("doctor", bridge.address)
    assert status == 1
    assert f"ok   {bridge.address} answers.\nok   The clock is right.\nok   Sessions are kept in files below" in out
    assert f"BAD  Nobody is signed in. Please run: fedbridge login {bridge.address}\n" in out
    assert list(tmp_path.iterdir()) == []


def test_before_a_login_the_way_out_is_looked_at(tmp_path: Path) -> None:
    empty, authority = tmp_path / "empty.pem", Authority(tmp_path)
    empty.write_text("")
    nobody = Person(tmp_path, "")
    _, well, _ = findings(nobody, HTTPS_PROXY="http://ada:pw@proxy.example.com:3128")
    assert "Bridges are asked through the proxy proxy.example.com:3128, unless NO_PROXY names them." in well
    _, _, wrong = findings(nobody, HTTPS_PROXY="socks5://proxy.example.com:1080")
    assert (
        wrong[0]
        == "fedbridge cannot use a proxy of this kind: proxy.example.com:1080. It can use http:// proxies only."
    )
    _, _, wrong = findings(nobody, FEDBRIDGE_CA_BUNDLE=str(empty))
    assert wrong[0].startswith(f"FEDBRIDGE_CA_BUNDLE names {empty}, which is not a readable file")
    _, well, _ = findings(nobody, FEDBRIDGE_CA_BUNDLE=str(authority.file))
    assert f"FEDBRIDGE_CA_BUNDLE names the certificate authorities: {authority.file}" in well


def test_before_a_login_a_place_that_cannot_keep_a_session_is_found(tmp_path: Path) -> None:
    nobody, open_folder = Person(tmp_path, ""), tmp_path / "open"
    open_folder.mkdir()
    open_folder.chmod(0o777)
    _, _, wrong = findings(nobody, FEDBRIDGE_FOLDER=str(open_folder))
    assert wrong[0].startswith(f"The folder {open_folder} is not yours alone")
    _, _, wrong = findings(nobody, **NO_KEYRING)
    assert wrong[0].startswith("No keyring works here: ")
