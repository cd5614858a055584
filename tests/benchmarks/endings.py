"""How soon access has ended: on another node, and in AWS, which hears of a new policy some seconds late."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from federation_bridge.sandbox.aws.faults import Fault
from federation_bridge.sandbox.company import Company, open_company
from federation_bridge.sandbox.company_files import ANALYTICS
from federation_bridge.sandbox.identity_provider.saml_message import Signer, form_value
from federation_bridge.sandbox.scripted_user import Credentials, ScriptedUser, read_object
from tests.benchmarks.bridge import BridgeFiles, Browser, answer_message, make_place, served
from tests.benchmarks.processes import ROOT, DoesNotWork, python
from tests.benchmarks.table import Row
from tests.free_ports import free_port
from tests.postgresql import Server

PROPAGATION = 15.0
"""Seconds until the local AWS holds what IAM was told; AWS says seconds, and its own console counts on 30."""
_GIVE_UP = 90.0


def measure(folder: Path, signer: Signer, postgresql: Server) -> list[Row]:
    """Both, with bridges in processes of their own."""
    return [
        on_another_node(make_place(folder / "nodes", signer, free_port(), postgresql), signer),
        in_aws(folder / "aws"),
    ]


def on_another_node(place: BridgeFiles, signer: Signer) -> Row:
    """From the start of the operator's command until another node of the same PostgreSQL lets nothing through."""
    other = _second_node(place)
    with served(place), served(other):
        browser = Browser(place)
        request_id, relay_state = browser.leave()
        value = form_value(answer_message(place.acs, place.entity_id, request_id, 30), signer)
        browser.arrive(urlencode({"SAMLResponse": value, "RelayState": relay_state}))
        there = Browser(other, dict(browser.cookies))
        _demand(_me(there, place) == 200, "the other node does not know the session")
        person = json.loads(browser.ask("GET", "/api/v1/me")[2])["person"]
        words = ("people", "block", person, "--reason", "measured", "--emergency", "--settings", str(place.settings))
        command = python("-m", "federation_bridge.operate", *words)
        began = time.perf_counter()
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL):
            took = _until(lambda: _me(there, place) != 200, began, every=0.01)
        browser.close()
        there.close()
    return Row("blocked by a command on one node, refused on another, PostgreSQL", took, "s", most=2)


def in_aws(folder: Path) -> Row:
    """From the directory's word until a live session is denied; somebody else's in the same role goes on."""
    folder.mkdir()
    with open_company(folder) as company:
        company.connect_by_scim()
        sessions = {login: _session(company, login) for login in ("carla", "hal")}
        # What is younger than the delay would not be known there either.
        time.sleep(PROPAGATION)
        company.local.faults.set(Fault("propagation", seconds=PROPAGATION))
        _demand(_reads(company, sessions["carla"]), "the session cannot read")
        began = time.perf_counter()
        company.directory.off_board("carla")
        took = _until(lambda: not _reads(company, sessions["carla"]), began, every=0.1)
        _demand(_reads(company, sessions["hal"]), "somebody else's session ended too")
    return Row(
        f"off-boarded by SCIM, denied in AWS, which hears of policies after {PROPAGATION:.0f} s", took, "s", most=60
    )


def _second_node(place: BridgeFiles) -> BridgeFiles:
    port = free_port()
    settings = json.loads(place.settings.read_text(encoding="utf-8"))
    settings["serving"]["listen"] = f"127.0.0.1:{port}"
    settings["audit"]["also_to"] = "audit-2.jsonl"
    path = place.folder / "settings-2.yaml"
    path.write_text(json.dumps(settings), encoding="utf-8")
    return replace(place, port=port, settings=path)


def _me(browser: Browser, place: BridgeFiles) -> int:
    return browser.ask("GET", "/api/v1/me", headers={"Host": f"127.0.0.1:{place.port}"})[0]


def _session(company: Company, login: str) -> Credentials:
    person = ScriptedUser(company, login)
    person.sign_in()
    return person.credentials(f"{ANALYTICS}/DataReader")


def _reads(company: Company, credentials: Credentials) -> bool:
    try:
        read_object(company, credentials, "analytics-data", "public/cities.csv")
    except ClientError:
        return False
    return True


def _until(holds: Callable[[], bool], began: float, every: float) -> float:
    """Seconds from `began` until it holds."""
    while not holds():
        _demand(time.perf_counter() - began < _GIVE_UP, "access did not end")
        time.sleep(every)
    return time.perf_counter() - began


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise DoesNotWork(otherwise)
