"""`fedbridge agent`: asks for an agent's credentials, never mixes them with the person's, and asks nobody later on."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cli_factories import Person
from fake_bridge import ROLE, FakeBridge, fake_bridge

from federation_bridge.cli.commands.running import _renewing
from federation_bridge.cli.context import Context
from federation_bridge.cli.credentials import obtaining
from federation_bridge.cli.credentials.obtaining import Wanted
from federation_bridge.cli.terminal.completion import FOR_AGENTS, candidates

PATH = f"/api/v1/roles/{ROLE}/credentials"
ASK = (
    "import os, urllib.request as r; e = os.environ;"
    "q = r.Request(e['AWS_CONTAINER_CREDENTIALS_FULL_URI'],"
    " headers={'Authorization': e['AWS_CONTAINER_AUTHORIZATION_TOKEN']}); print(r.urlopen(q).read().decode())"
)


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    with fake_bridge() as made:
        made.answers[PATH] = lambda asked: made.credentials(
            timedelta(hours=1), access_key_id="ASIAAGENT" if asked.fields.get("agent") == "True" else "ASIAPERSON"
        )
        yield made


def key_of(ada: Person, *words: str) -> str:
    status, out, told = ada.run(*words)
    assert status == 0, told
    return str(json.loads(out)["AccessKeyId"])


@pytest.mark.parametrize("first", ["agent", "person"])
def test_cached_answers_of_an_agent_and_of_its_person_never_mix(ada: Person, bridge: FakeBridge, first: str) -> None:
    plain = ("credential-process", "--role", ROLE)
    asks = {"agent": ("agent", *plain), "person": plain}
    order = [first, *(set(asks) - {first})]
    for _ in range(2):
        for who in order:
            assert key_of(ada, *asks[who]) == f"ASIA{who.upper()}"
    assert key_of(ada, "credentials", ROLE) == "ASIAPERSON"
    assert key_of(ada, "agent", "credentials", ROLE) == "ASIAAGENT"
    assert bridge.paths().count(PATH) == 2


def test_a_command_of_an_agent_gets_its_credentials_by_endpoint_and_by_variables(ada: Person) -> None:
    assert key_of(ada, "agent", "exec", ROLE, "--", sys.executable, "-c", ASK) == "ASIAAGENT"
    show = "import os, json; print(json.dumps({'AccessKeyId': os.environ['AWS_ACCESS_KEY_ID']}))"
    assert key_of(ada, "agent", "exec", ROLE, "--variables", "--", sys.executable, "-c", show) == "ASIAAGENT"
    assert key_of(ada, "exec", ROLE, "--", sys.executable, "-c", ASK) == "ASIAPERSON"


def test_signing_out_removes_an_agent_s_answers_too(ada: Person, bridge: FakeBridge) -> None:
    key_of(ada, "agent", "credential-process", "--role", ROLE)
    kept = list(ada.folder.glob("answers/*agent"))
    assert len(kept) == 1
    ada.run("logout")
    assert not kept[0].exists()


@pytest.mark.parametrize(("is_agent", "way"), [(True, "never"), (False, "auto")])
def test_what_renews_an_agent_s_credentials_asks_nobody_to_sign_in(
    is_agent: bool, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bridge: FakeBridge
) -> None:
    seen: list[tuple[str, Wanted]] = []
    monkeypatch.setattr(
        "federation_bridge.cli.commands.running.obtain", lambda context, wanted: seen.append((context.way, wanted))
    )
    place = Context(bridge.address, tmp_path, {}, bridge.now, None, "auto")  # type: ignore[arg-type]
    _renewing(place, Wanted(ROLE, duration="2h", reason="x", for_agent=is_agent))()
    assert seen == [(way, Wanted(ROLE, for_agent=is_agent))]


def test_no_question_of_an_agent_is_its_person_s() -> None:
    assert Wanted(ROLE, for_agent=True).kept_as != Wanted(ROLE).kept_as
    assert obtaining.Wanted("1/x~agent").kept_as == Wanted("1/x", for_agent=True).kept_as, "no role's name holds a ~"


def test_completion_knows_what_an_agent_may_use(tmp_path: Path) -> None:
    options = {name: ["--role"] for name in FOR_AGENTS}
    (tmp_path / "roles.json").write_text('[{"account": "1", "account_name": "production", "role": "Developer"}]')
    assert candidates(["agent", ""], options, tmp_path) == list(FOR_AGENTS)
    assert candidates(["agent", "exec", "prod"], options, tmp_path) == ["production/Developer"]


def test_the_example_for_an_agent_never_hands_it_all_that_the_person_may_do(ada: Person) -> None:
    example = "fedbridge: Which command? For example: fedbridge {}exec ACCOUNT/ROLE -- terraform plan\n"
    assert ada.run("agent", "exec", ROLE) == (2, "", example.format("agent "))
    assert ada.run("exec", ROLE) == (2, "", example.format(""))
