"""Several bridges side by side: each by its name, and nothing of one answers for another."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_factories import MAIN, Person
from fake_bridge import ROLE, FakeBridge, Reply, fake_bridge, put_session, tokens
from pseudo_terminal import ENTER, sitting

from federation_bridge.cli import fast_path
from federation_bridge.cli.folders import folder_name

KEYS = f"/api/v1/roles/{ROLE}/credentials"


def ready(made: FakeBridge, key: str, person: str) -> FakeBridge:
    account, _, role = ROLE.partition("/")
    offered = {"account": account, "account_name": "production", "role": role, "partition": "aws", "role_arn": "a"}
    code = {"device_code": "d", "user_code": "BCDF-GHJK", "interval": 0}
    made.answers |= {
        KEYS: lambda _: made.credentials(access_key_id=key),
        "/oauth/device": lambda _: Reply(body=code | {"verification_uri": f"{made.address}/device"}),
        "/oauth/token": tokens(1),
        "/oauth/revoke": Reply(body={}),
        "/api/v1/me": Reply(body={"person": f"corp/{person}", "name": person, "ends_at": "2030-01-01T00:00:00+00:00"}),
        "/api/v1/roles": Reply(body={"roles": [offered]}),
    }
    return made


@pytest.fixture
def home() -> Iterator[FakeBridge]:
    with fake_bridge() as made:
        yield ready(made, "ASIAHOME", "ada")


@pytest.fixture
def work() -> Iterator[FakeBridge]:
    with fake_bridge() as made:
        yield ready(made, "ASIAWORK", "ada at work")


@pytest.fixture
def ada(home: FakeBridge, work: FakeBridge, tmp_path: Path) -> Person:
    """Somebody who signed in at one bridge, without a name, and then at another, with one."""
    ada = Person(tmp_path, home.address, {"LANG": "C.UTF-8"})
    assert ada.run("login", home.address, "--device")[0] == 0
    status, _, told = ada.run("login", work.address, "--device", "--name", "work")
    assert (status, f"fedbridge use {named(home)} goes back" in told) == (0, True), told
    return ada


def named(bridge: FakeBridge) -> str:
    """What a bridge without a name is called by."""
    return bridge.address.partition("://")[2]


def key_of(answer: tuple[int, str, str]) -> str:
    assert answer[0] == 0, answer[2]
    return str(json.loads(answer[1])["AccessKeyId"])


PROCESS = ("credential-process", "--role", ROLE)


def test_each_command_uses_the_bridge_that_it_names_from_the_cache_too(ada: Person, home: FakeBridge) -> None:
    for _ in range(2):
        assert key_of(ada.run(*PROCESS)) == "ASIAWORK"
        assert key_of(ada.run(*PROCESS, "--bridge", "work")) == "ASIAWORK"
        assert key_of(ada.run(*PROCESS, "--bridge", home.address)) == "ASIAHOME"
        assert key_of(ada.run(*PROCESS, variables={"FEDBRIDGE_BRIDGE": folder_name(home.address)})) == "ASIAHOME"
    assert home.paths().count(KEYS) == 1
    assert ada.run("whoami", "--bridge", home.address)[1].startswith("ada (corp/ada)")


def test_a_bridge_without_a_name_is_called_by_host_and_port_wherever_one_is_named(
    ada: Person, home: FakeBridge, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert "++" not in ada.run()[1]
    for called in (named(home), home.address, folder_name(home.address)):
        assert ada.run("use", "work")[0] == 0
        assert ada.run("use", called)[0] == 0
        assert key_of(ada.run(*PROCESS)) == "ASIAHOME"
        assert key_of(ada.run(*PROCESS, "--bridge", called)) == "ASIAHOME"
    assert ada.run("login", named(home), "--device")[0] == 0
    monkeypatch.setattr("os.environ", ada.environ())
    assert fast_path.fast_answer(["--role", ROLE, "--bridge", named(home)]) is False, "the sign-in forgot the answers"
    assert key_of(ada.run(*PROCESS)) == "ASIAHOME"
    assert fast_path.fast_answer(["--role", ROLE, "--bridge", named(home)]) is True
    assert "ASIAHOME" in capfd.readouterr().out
    assert named(home) in ada.run("complete", "--", "use", "")[1].split()


def test_use_without_a_name_says_which_there_are(ada: Person, home: FakeBridge) -> None:
    status, _, told = ada.run("use")
    assert (status, told) == (2, f"fedbridge: Which bridge? You have: {named(home)}, work\n")


def test_use_changes_what_commands_mean_that_name_none(ada: Person, home: FakeBridge) -> None:
    assert key_of(ada.run(*PROCESS)) == "ASIAWORK"
    assert ada.run("use", named(home))[0] == 0
    assert key_of(ada.run(*PROCESS)) == "ASIAHOME"
    assert ada.run("use", "work")[0] == 0
    assert key_of(ada.run(*PROCESS)) == "ASIAWORK"


@pytest.mark.parametrize(
    ("words", "variables", "sentence"),
    [
        (("use", "wrok"), {}, "Did you mean: work?"),
        (("use", "../work"), {}, "No bridge is called ../work"),
        (("use", ""), {}, "Which bridge? You have: "),
        (("roles", "--bridge", "other"), {}, "No bridge is called other. "),
        (("roles", "--bridge", "names"), {}, "No bridge is called names"),
        (("roles",), {"FEDBRIDGE_BRIDGE": "other"}, "No bridge is called other"),
        (("roles",), {"FEDBRIDGE_BRIDGE": "work", "FEDBRIDGE_URL": "https://x.example"}, "name two bridges"),
        (PROCESS, {"FEDBRIDGE_BRIDGE": "work", "FEDBRIDGE_URL": "https://x.example"}, "name two bridges"),
        (("login", "{home}", "--device", "--name", "work"), {}, "work is the name of {work} already."),
        (("login", "{home}", "--device", "--name", "../x"), {}, "is no name for a bridge"),
        (("login", "{home}", "--device", "--name", "a" * 41), {}, "is no name for a bridge"),
    ],
)
def test_a_name_that_is_none_or_another_s_is_refused_before_anybody_is_asked(
    ada: Person, home: FakeBridge, work: FakeBridge, words: tuple[str, ...], variables: dict[str, str], sentence: str
) -> None:
    asked = len(home.asked) + len(work.asked)
    filled = [word.format(home=home.address, work=work.address) for word in words]
    status, out, told = ada.run(*filled, variables=variables)
    assert (status, out, told.count("\n")) == (2, "", 1), told
    assert sentence.format(home=home.address, work=work.address) in told
    assert len(home.asked) + len(work.asked) == asked


def test_the_sign_out_of_one_leaves_the_other_and_all_means_all(
    ada: Person, home: FakeBridge, work: FakeBridge
) -> None:
    assert ada.run("logout", "--bridge", "work")[0] == 0
    assert (len(work.revoked()), home.revoked()) == (1, [])
    assert ada.run("whoami")[0] == 3
    assert ada.run("whoami", "--bridge", home.address)[0] == 0
    assert ada.run("login", "work", "--device")[0] == 0
    home.answers["/oauth/revoke"] = Reply(0)
    status, _, told = ada.run("logout", "--all")
    assert (status, len(work.revoked()), told.count("Signed out.")) == (6, 2, 1), told
    assert [ada.run("whoami", "--bridge", one)[0] for one in ("work", home.address)] == [3, 3]


def test_a_sign_in_that_a_command_asks_for_does_not_change_the_bridge_in_use(ada: Person, home: FakeBridge) -> None:
    assert ada.run("logout", "--bridge", home.address)[0] == 0
    assert key_of(ada.run(*PROCESS, "--bridge", home.address, "--device")) == "ASIAHOME"
    assert key_of(ada.run(*PROCESS)) == "ASIAWORK"


def test_fedbridge_alone_tells_where_one_is_signed_in_until_when_and_what_comes_next(
    ada: Person, home: FakeBridge, work: FakeBridge, tmp_path: Path
) -> None:
    asked = len(home.asked) + len(work.asked)
    status, out, told = ada.run()
    assert (status, "Next: fedbridge configure" in told) == (0, True), told
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert lines["work"].startswith("work *")
    assert "ada at work" in lines["work"]
    assert "2030-01-01" in lines["work"]
    assert "ada" in lines[named(home)]
    assert len(home.asked) + len(work.asked) == asked, "it helps without a network"
    assert ada.run("logout")[0] == 0
    assert "Next: fedbridge login" in ada.run()[2]
    nobody = Person(tmp_path / "nobody", home.address)
    assert nobody.run()[:2] == (0, "")
    assert "Next: fedbridge login https://" in nobody.run()[2]


def test_a_login_without_an_address_asks_for_it_or_says_that_it_needs_one(home: FakeBridge, tmp_path: Path) -> None:
    ada = Person(tmp_path, home.address)
    status, _, told = ada.run("login")
    assert (status, told) == (2, "fedbridge: Which bridge? Give its address: fedbridge login https://aws.example.com\n")
    with sitting([sys.executable, "-I", str(MAIN), "login", "--device"], ada.environ()) as seat:
        seat.until("Address: ")
        seat.type(home.address + ENTER)
        seat.until("Signed in as ada")
        assert seat.end() == 0


def test_the_doctor_helps_before_a_login(tmp_path: Path) -> None:
    ada = Person(tmp_path, "", {"AWS_ACCESS_KEY_ID": "AKIAOTHER"})
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text("[profile a]\n[profile a]\n")
    status, out, told = ada.run("doctor")
    assert (status, told, "Traceback" in out) == (1, "", False)
    assert "fedbridge login https://aws.example.com" in out
    assert "AWS_ACCESS_KEY_ID is set" in out
    assert "[profile a] stands there twice" in out


def test_profiles_carry_their_bridge_and_those_of_a_named_one_its_name(ada: Person, home: FakeBridge) -> None:
    assert ada.run("configure", "--yes")[0] == 0
    assert ada.run("configure", "--yes", "--bridge", home.address)[0] == 0
    text = (ada.home / ".aws/config").read_text()
    assert ("[profile work-production-Developer]" in text, "[profile production-Developer]" in text) == (True, True)
    commands = [line for line in text.splitlines() if line.startswith("credential_process")]
    assert len(set(commands)) == 2
    ran = [ada.start_command(line.partition("= ")[2].split()).communicate(timeout=60)[0] for line in commands]
    assert {json.loads(out)["AccessKeyId"] for out in ran} == {"ASIAHOME", "ASIAWORK"}


def test_the_state_of_one_bridge_from_before_there_were_names_works_without_a_step(
    home: FakeBridge, tmp_path: Path
) -> None:
    folder = put_session(tmp_path, home, ends_at=4_000_000_000)
    ada = Person(tmp_path, home.address)
    before = {path.name for path in folder.parent.iterdir()}
    assert key_of(ada.run(*PROCESS)) == "ASIAHOME"
    assert named(home) in ada.run()[1]
    assert {path.name for path in folder.parent.iterdir()} == before
    assert ada.run("use", folder.name)[0] == 0
    assert ada.run("login", "--device", "--name", "home")[0] == 0
    assert key_of(ada.run(*PROCESS, "--bridge", "home")) == "ASIAHOME"
    assert ada.run("login", "--device", "--name", "main")[0] == 0
    assert [path.name for path in (folder.parent / "names").iterdir()] == ["main"], "one bridge has one name"


def test_the_fast_path_reads_the_cache_of_the_bridge_that_is_named_and_of_no_other(
    ada: Person, home: FakeBridge, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert key_of(ada.run(*PROCESS, "--bridge", "work")) == "ASIAWORK"
    monkeypatch.setattr("os.environ", ada.environ())
    asked = ["--role", ROLE, "--bridge"]
    assert fast_path.fast_answer([*asked, "work"])
    assert "ASIAWORK" in capfd.readouterr().out
    for other in (home.address, "other", "../work", "names", "", "work/../work", "."):
        assert fast_path.fast_answer([*asked, other]) is (other == ""), other
    # Nothing is named: the bridge in use.
    assert capfd.readouterr().out.count("ASIAWORK") == 1
    for two in ({"FEDBRIDGE_BRIDGE": "work", "FEDBRIDGE_URL": "https://x.example"}, {"FEDBRIDGE_BRIDGE": "other"}):
        monkeypatch.setattr("os.environ", ada.environ() | two)
        assert not fast_path.fast_answer(asked[:2])


def test_completion_knows_the_bridges_and_the_roles_of_the_one_that_the_line_names(
    ada: Person, home: FakeBridge
) -> None:
    assert ada.run("roles", "--bridge", "work")[0] == 0
    assert "work" in ada.run("complete", "--", "use", "")[1].split()
    assert "work" in ada.run("complete", "--", "roles", "--bridge", "")[1].split()
    line = ("complete", "--", "credentials", "--bridge")
    assert "production/Developer" in ada.run(*line, "work", "--role", "")[1]
    assert ada.run(*line, home.address, "--role", "")[1] == ""
