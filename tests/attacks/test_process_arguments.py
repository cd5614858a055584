"""What another user of the computer can read of our processes lets them in nowhere, and lets them put nobody in."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import urlopen

import pytest
from cli_factories import MAIN, Person, address_in, told_address
from fake_bridge import ROLE, FakeBridge, Reply, fake_bridge, put_session, tokens
from pseudo_terminal import sitting
from service_factories import until

from federation_bridge.cli.session.redirect_file import redirect_file

ADA, MALLORY = ({"person": f"corp/{name.lower()}", "name": name} for name in ("Ada", "Mallory"))
BROWSER = """#!{python}
import json, os, stat, sys, urllib.parse
from pathlib import Path
seen = {{"argv": sys.argv[1:], "cmdline": Path("/proc/self/cmdline").read_text(), "environ": dict(os.environ)}}
seen["open_to_others"] = stat.S_IMODE(os.stat("/proc/self/environ").st_mode) & 0o077
if sys.argv[1].startswith("file://"):
    path = Path(urllib.parse.unquote(sys.argv[1].removeprefix("file://")))
    seen["modes"] = [stat.S_IMODE(one.lstat().st_mode) for one in (path.parent, path)]
    seen["page"] = path.read_text()
Path("{notes}").write_text(json.dumps(seen))
"""


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    with fake_bridge() as made:
        made.answers["/oauth/token"] = tokens(1)
        made.answers["/oauth/revoke"] = Reply(body={})
        made.answers["/api/v1/me"] = Reply(body=ADA)
        made.answers["/terminal"] = Reply()
        yield made


@pytest.fixture
def ada(bridge: FakeBridge, tmp_path: Path) -> Person:
    """Somebody whose browser notes all that can be seen of it from outside, and the file that it was given."""
    home, browser = tmp_path / "home", tmp_path / "browser"
    home.mkdir(mode=0o755)
    browser.write_text(BROWSER.format(python=sys.executable, notes=tmp_path / "notes"))
    browser.chmod(0o755)
    return Person(home, bridge.address, {"BROWSER": str(browser), "DISPLAY": ":0"})


def notes(ada: Person) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ada.home.parent / "notes").read_text())
    return found


def complete(bridge: FakeBridge, address: str, **changed: str) -> None:
    """Somebody's consent at `address`: the bridge's answer reaches the terminal's listener."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    answer = {"code": "c", "state": asked["state"], "iss": bridge.address} | changed
    with urlopen(f"{asked['redirect_uri']}?{urlencode(answer)}", timeout=60) as page:
        assert page.status == 200


def secrets_of(address: str) -> list[str]:
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    port = str(urlsplit(asked["redirect_uri"]).port)
    return [asked["state"], asked["code_challenge"], asked["dpop_jkt"], f":{port}", f"3A{port}", "oauth/authorize"]


def left_of(ada: Person) -> list[Path]:
    return [*ada.home.glob("fedbridge-sign-in-*"), *ada.home.glob("Downloads/fedbridge-sign-in-*")]


def wait_for_notes(ada: Person, process: subprocess.Popen[str]) -> None:
    def is_written() -> bool:
        assert process.poll() is None
        found = ada.home.parent / "notes"
        return found.exists() and found.read_text().endswith("}")

    until(is_written, "the browser was never started")


def waiting_login(ada: Person, **variables: str) -> tuple[subprocess.Popen[str], str]:
    """A login whose browser has been started, and the address that the terminal told."""
    process = ada.start("login", ada.bridge, "--browser", variables=variables, is_forked=False)
    told = told_address(process)
    wait_for_notes(ada, process)
    return process, told


# -------------------------------------------------------------------------------------------------------------- login


def test_a_login_s_browser_is_given_a_private_file_and_nothing_else(ada: Person, bridge: FakeBridge) -> None:
    process, told = waiting_login(ada)
    seen = notes(ada)
    path = Path(seen["argv"][0].removeprefix("file://"))
    assert (len(seen["argv"]), path.parent.parent, seen["modes"]) == (1, ada.home, [0o700, 0o600])
    assert not any(part.startswith(".") for part in path.relative_to(ada.home).parts)
    assert seen["open_to_others"] == 0
    opened = address_in(seen["page"])
    own = Path(f"/proc/{process.pid}/cmdline").read_text()
    assert "--browser" in own
    for secret in {*secrets_of(opened), *secrets_of(told)}:
        assert secret not in seen["cmdline"] + own
        assert not any(secret in value for value in seen["environ"].values())
    complete(bridge, opened)
    _, words = process.communicate(timeout=60)
    assert (process.returncode, "Signed in as Ada" in words) == (0, True), words
    assert left_of(ada) == []


def test_the_terminal_tells_an_address_that_is_not_the_file_s(ada: Person, bridge: FakeBridge) -> None:
    process, told = waiting_login(ada)
    opened = address_in(notes(ada)["page"])
    assert parse_qs(urlsplit(told).query)["state"] != parse_qs(urlsplit(opened).query)["state"]
    complete(bridge, opened)
    process.communicate(timeout=60)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, "refused", "tokens refused"])
def test_the_file_goes_however_the_sign_in_ends(ada: Person, bridge: FakeBridge, end: str | signal.Signals) -> None:
    bridge.answers["/oauth/token"] = Reply(400, {"error": "invalid_grant"})
    process, _ = waiting_login(ada)
    assert len(left_of(ada)) == 1
    if isinstance(end, signal.Signals):
        process.send_signal(end)
    else:
        refused = {"error": "access_denied"} if end == "refused" else {}
        complete(bridge, address_in(notes(ada)["page"]), **refused)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert left_of(ada) == []


def test_a_file_that_a_killed_login_left_goes_with_the_next_one(ada: Person, bridge: FakeBridge) -> None:
    old, young = (ada.home / f"fedbridge-sign-in-{name}" for name in ("old", "young"))
    for folder in (old, young):
        folder.mkdir(mode=0o700)
        (folder / "sign-in.html").touch(mode=0o600)
    os.utime(old, (1_000_000_000, 1_000_000_000))
    process, _ = waiting_login(ada)
    complete(bridge, address_in(notes(ada)["page"]))
    process.communicate(timeout=60)
    assert left_of(ada) == [young]


def test_a_left_file_that_another_login_removes_first_is_no_reason_to_do_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "glob", lambda place, _: iter([place / "fedbridge-sign-in-gone"]))
    with redirect_file({"HOME": str(tmp_path)}, "https://bridge.test/authorize?state=secret") as page:
        assert page is not None


@pytest.mark.parametrize(("mode", "is_taken"), [(0o755, True), (0o775, False), (0o757, False)])
def test_the_file_lies_in_downloads_which_confined_browsers_can_read_where_nobody_else_may_write(
    ada: Person, bridge: FakeBridge, mode: int, is_taken: bool
) -> None:
    (ada.home / "Downloads").mkdir()
    (ada.home / "Downloads").chmod(mode)
    process, _ = waiting_login(ada)
    assert ("/Downloads/" in notes(ada)["argv"][0]) is is_taken
    complete(bridge, address_in(notes(ada)["page"]))
    process.communicate(timeout=60)
    assert (process.returncode, left_of(ada)) == (0, [])


# ------------------------------------------------------------------- an address that others may have seen: whose is it?


def told_login(ada: Person, bridge: FakeBridge, key: str, *, is_asked: bool) -> tuple[int, str]:
    """A login that is completed at the address that the terminal told, and what its person then types."""
    command = [sys.executable, "-I", str(MAIN), "login", bridge.address, "--browser"]
    with sitting(command, ada.environ() | {"BROWSER": "/bin/true"}, 1000) as seat:
        complete(bridge, seat.until(r"(http\S+/oauth/authorize\S+)\r")[1])
        if is_asked:
            seat.until(r"Is this you\? \[y/N\] ")
            seat.type(key + "\r")
        return seat.end(), seat.text()


def kept(ada: Person) -> bool:
    return bool(list(ada.home.rglob("session.json")))


@pytest.mark.parametrize(("key", "status"), [("", 4), ("n", 4), ("y", 0)])
def test_the_terminal_asks_whose_sign_in_it_is_also_when_nobody_was_signed_in_last(
    ada: Person, bridge: FakeBridge, key: str, status: int
) -> None:
    bridge.answers["/api/v1/me"] = Reply(body=MALLORY)
    ended, text = told_login(ada, bridge, key, is_asked=True)
    assert (ended, "The browser signed in Mallory (corp/mallory)." in text) == (status, True), text
    assert kept(ada) is (status == 0)
    assert bridge.revoked() == ([] if status == 0 else ["refresh-1"])


def test_who_was_signed_in_last_is_not_asked_and_anybody_else_is(ada: Person, bridge: FakeBridge) -> None:
    assert told_login(ada, bridge, "y", is_asked=True)[0] == 0
    assert told_login(ada, bridge, "", is_asked=False)[0] == 0
    bridge.answers["/api/v1/me"] = Reply(body=MALLORY)
    assert told_login(ada, bridge, "n", is_asked=True)[0] == 4
    bridge.answers["/api/v1/me"] = Reply(body=ADA)
    assert told_login(ada, bridge, "", is_asked=False)[0] == 0


def test_where_nobody_can_be_asked_it_is_not_kept(ada: Person, bridge: FakeBridge) -> None:
    process, told = waiting_login(ada)
    complete(bridge, told)
    _, words = process.communicate(timeout=60)
    assert (process.returncode, "nobody is here to confirm it" in words, kept(ada)) == (4, True, False), words
    assert bridge.revoked() == ["refresh-1"]


def test_a_bridge_that_does_not_say_whose_it_is_gets_nothing_kept(ada: Person, bridge: FakeBridge) -> None:
    bridge.answers["/api/v1/me"] = Reply(500, {})
    assert told_login(ada, bridge, "y", is_asked=False)[0] == 6
    assert not kept(ada)


def test_where_no_file_can_be_read_by_the_browser_it_opens_the_address_and_the_terminal_asks(
    ada: Person, bridge: FakeBridge
) -> None:
    process, told = waiting_login(ada, WSL_DISTRO_NAME="Debian")
    assert notes(ada)["argv"] == [told]
    assert left_of(ada) == []
    complete(bridge, told)
    process.communicate(timeout=60)
    assert (process.returncode, kept(ada)) == (4, False)


# --------------------------------------------------------------------------------------------------- the other commands


def test_the_console_s_browser_is_given_an_address_that_holds_nothing(ada: Person, bridge: FakeBridge) -> None:
    put_session(ada.home, bridge, ends_at=4_000_000_000)
    assert ada.run("console", "--role", ROLE, "--to", "/s3/home")[0] == 0
    assert notes(ada)["argv"] == [f"{bridge.address}/go/{ROLE}?to=%2Fs3%2Fhome"]
    assert not any("access-0" in value or "refresh-0" in value for value in notes(ada)["environ"].values())


@pytest.mark.parametrize("more", [(), ("--variables",)])
def test_what_exec_runs_has_its_secrets_where_only_its_own_user_reads_them(
    ada: Person, bridge: FakeBridge, more: tuple[str, ...]
) -> None:
    put_session(ada.home, bridge, ends_at=4_000_000_000)
    bridge.answers[f"/api/v1/roles/{ROLE}/credentials"] = bridge.credentials(secret_access_key="a-secret-key")
    command = ["exec", "--role", ROLE, *more, "--", ada.variables["BROWSER"], "x"]
    assert ada.run(*command)[0] == 0
    seen = notes(ada)
    held = [seen["environ"].get(name) for name in ("AWS_SECRET_ACCESS_KEY", "AWS_CONTAINER_AUTHORIZATION_TOKEN")]
    assert [bool(one) for one in held] == [bool(more), not more]
    assert not any(secret in seen["cmdline"] for secret in held if secret)
    assert seen["open_to_others"] == 0


# ------------------------------------------------------------------------------------ every place that starts a process


def test_a_file_of_ours_is_never_readable_by_others_whatever_the_umask(ada: Person, bridge: FakeBridge) -> None:
    command = ["sh", "-c", f'umask 000; exec "{sys.executable}" -I "{MAIN}" login {bridge.address} --browser']
    process = ada.start_command(command)
    told_address(process)
    wait_for_notes(ada, process)
    assert notes(ada)["modes"] == [0o700, 0o600]
    assert stat.S_ISDIR(left_of(ada)[0].lstat().st_mode)
    complete(bridge, address_in(notes(ada)["page"]))
    process.communicate(timeout=60)
