"""Whatever the person's own files hold, a command of ours runs as the role, and finds its other settings there."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_factories import Person, beside_the_grant
from databases import HeldClock
from fake_bridge import ROLE, FakeBridge, Reply, fake_bridge, put_session

from federation_bridge.cli.aws_config.neutral_profile import PREFIX, sources_of_default, stepped_around
from federation_bridge.cli.context import Context
from federation_bridge.cli.terminal.streams import Terminal

KEYS = "aws_access_key_id = AKIAOTHER\naws_secret_access_key = x\n"
PRINTED = '{"Version":1,"AccessKeyId":"AKIAOTHER","SecretAccessKey":"x"}'
PROCESS = f"credential_process = /bin/echo '{PRINTED}'\nregion = eu-west-3\n"
WEB_IDENTITY = {
    "token": "a.b.c",
    "role_arn": "arn:aws:iam::111122223333:role/Developer",
    "session_name": "ada",
    "region": "eu-central-1",
    "expires_at": "2099-01-01T00:00:00+00:00",
}
ACTS_AS = "import boto3; c = boto3.Session().get_credentials(); print(c.method, c.access_key)"
SETTINGS = """
import botocore.session
s = botocore.session.Session()
print(s.get_scoped_config().get("s3"), s.get_scoped_config().get("output"))
print(s.create_client("dynamodb").meta.endpoint_url, s.create_client("dynamodb").meta.region_name)
print(botocore.session.Session(profile="mine").get_credentials().access_key)
"""


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    with fake_bridge() as made:
        made.answers[f"/api/v1/roles/{ROLE}/credentials"] = lambda _: made.credentials()
        made.answers[f"/api/v1/roles/{ROLE}/web-identity-token"] = Reply(body=WEB_IDENTITY)
        yield made


@pytest.fixture
def ada(bridge: FakeBridge, tmp_path: Path) -> Person:
    put_session(tmp_path, bridge, ends_at=4_000_000_000)
    (tmp_path / ".aws").mkdir()
    return Person(tmp_path, bridge.address)


def executed(ada: Person, program: str, **variables: str) -> list[str]:
    status, out, told = ada.run("exec", "--role", ROLE, "--", sys.executable, "-c", program, variables=variables)
    assert (status, beside_the_grant(told)) == (0, ""), told
    return out.splitlines()


@pytest.mark.parametrize(
    ("file", "text"),
    [
        pytest.param(".aws/credentials", f"[default]\n{KEYS}", id="keys"),
        pytest.param(".aws/credentials", f"[other]\n{KEYS}", id="twin: another profile's keys"),
        pytest.param(".aws/config", f"[default]\n{KEYS}", id="keys in the config"),
        pytest.param(".aws/config", f"[default]\n{PROCESS}", id="a process"),
        pytest.param(".aws/config", f"[profile default]\n{PROCESS}", id="named as a profile"),
        pytest.param(".aws/config", "[default]\nregion = eu-west-3\n", id="twin: a default that gives none"),
        pytest.param(".aws/config", f"[profile x]\n{KEYS}[default]\nrole_arn = a\nsource_profile = x\n", id="a role"),
        pytest.param(".aws/config", f"[DEFAULT]\n{KEYS}[default]\nregion = eu-west-3\n", id="keys for every section"),
        pytest.param(".aws/credentials", f"[DEFAULT]\n{KEYS}[default]\nregion = eu-west-3\n", id="keys for every one"),
        pytest.param(".boto", f"[Credentials]\n{KEYS}", id="boto 2"),
    ],
)
def test_exec_runs_as_the_role_whatever_files_name(ada: Person, file: str, text: str) -> None:
    (ada.home / file).write_text(text)
    assert executed(ada, ACTS_AS) == ["container-role ASIAEXAMPLE"]
    assert (ada.home / file).read_text() == text


def test_keys_that_are_handed_over_come_before_every_file_without_a_profile_in_between(ada: Person) -> None:
    (ada.home / ".aws/credentials").write_text(f"[default]\n{KEYS}")
    program = f"{ACTS_AS}; import os; print(os.environ.get('AWS_PROFILE'))"
    options = ("exec", "--role", ROLE, "--variables", "--", sys.executable, "-c", program)
    assert ada.run(*options)[1].splitlines() == ["env ASIAEXAMPLE", "None"]


@pytest.mark.parametrize("source", ["", "aws_access_key_id = AKIAOTHER\naws_secret_access_key = x\n"])
def test_exec_keeps_every_setting_that_is_no_credential_and_every_profile_that_is_named(
    ada: Person, source: str
) -> None:
    (ada.home / ".aws/config").write_text(
        f"[default]\n{source}services = local\ns3 =\n  max_concurrent_requests = 3\n\n[profile mine]\n"
        "source_profile = default\n[services local]\ndynamodb =\n  endpoint_url = http://127.0.0.1:8000\n"
    )
    (ada.home / ".aws/credentials").write_text(
        "[mine]\naws_access_key_id = MINE\naws_secret_access_key = x\n[default]\noutput = yaml\n"
    )
    assert executed(ada, SETTINGS) == [
        "{'max_concurrent_requests': '3'} yaml",
        "http://127.0.0.1:8000 eu-central-1",
        "MINE",
    ]


def test_a_region_that_the_person_set_stays(ada: Person, bridge: FakeBridge) -> None:
    program = "import boto3; print(boto3.Session().region_name)"
    (ada.home / ".aws/config").write_text(f"[default]\n{PROCESS}")
    assert executed(ada, program, AWS_REGION="us-west-2", AWS_DEFAULT_REGION="us-west-2") == ["us-west-2"]
    assert executed(ada, program) == ["eu-central-1"]
    (ada.folder / "answers" / ROLE.replace("/", "-")).unlink()
    bridge.answers[f"/api/v1/roles/{ROLE}/credentials"] = lambda _: bridge.credentials(region="")
    assert executed(ada, program) == ["eu-west-3"]


def test_what_a_command_gets_instead_is_private_and_gone_with_it(ada: Person) -> None:
    (ada.home / ".aws/config").write_text(f"[default]\n{KEYS}")
    program = "import os; p = os.environ['AWS_CONFIG_FILE']; print(oct(os.stat(p).st_mode & 0o777), p)"
    mode, path = executed(ada, program)[0].split(" ", 1)
    assert (mode, Path(path).exists(), list(Path(path).parent.iterdir())) == ("0o600", False, [])


@pytest.mark.parametrize("text", [f"[default]\n{KEYS}", "[default]\nregion = eu-west-1\n"])
def test_a_command_with_a_token_file_is_led_past_the_default_too(ada: Person, text: str) -> None:
    """SDKs differ: some take keys of a profile before the token file, some do not."""
    (ada.home / ".aws/credentials").write_text(text)
    program = "import os; print(os.environ.get('AWS_PROFILE', '')[:15], 'AWS_WEB_IDENTITY_TOKEN_FILE' in os.environ)"
    status, out, told = ada.run("web-identity", "--role", ROLE, "--", sys.executable, "-c", program)
    assert (status, out) == (0, f"{PREFIX if KEYS in text else ''} True\n"), told


@pytest.mark.parametrize("command", ["serve", "web-identity"])
@pytest.mark.parametrize("text", [f"[default]\n{KEYS}", f"[other]\n{KEYS}"])
def test_who_sets_the_variables_by_hand_is_warned_of_a_default_that_comes_first(
    ada: Person, command: str, text: str
) -> None:
    (ada.home / ".aws/credentials").write_text(text)
    serving = ada.start(command, "--role", ROLE)
    assert serving.stdout is not None
    variables = dict(serving.stdout.readline().removeprefix("export ").rstrip().split("=", 1) for _ in range(2))
    serving.terminate()
    told = serving.communicate(timeout=60)[1]
    sentence = f"AWS tools use [default] of {ada.home}/.aws/credentials before our variables."
    assert (sentence in told) == ("[default]" in text)
    # The doctor finds the same in the shell that has the variables, and calls it no fault in any other.
    found = [ada.run("doctor", variables=more)[1] for more in (variables, {})]
    assert [f"BAD  {sentence}" in out for out in found] == ["[default]" in text, False]
    assert ["ok   [default] of" in out for out in found] == [False, "[default]" in text]


def test_the_doctor_does_not_take_the_profile_of_exec_for_a_wrong_one(ada: Person) -> None:
    (ada.home / ".aws/config").write_text(f"[default]\n{KEYS}")
    main = str(Path(__file__).parents[2] / "federation_bridge/cli/__main__.py")
    out = ada.run("exec", "--role", ROLE, "--", sys.executable, "-I", main, "doctor")[1]
    assert "BAD  AWS_PROFILE" not in out
    assert "before our variables" not in out


# ------------------------------------------------------------------------------------------------ what counts as one


@pytest.mark.parametrize(
    ("text", "is_source"),
    [
        ("[default]\naws_access_key_id=A\n", True),
        ("[default]\nAWS_ACCESS_KEY_ID: A\n", True),
        ("[default]\n  region = a\n  aws_access_key_id = A\n", True),
        ("\ufeff[default]\ncredential_process = x\n", True),
        ("[ default ]\nsso_session = x\n", True),
        ('[profile "default"]\nlogin_session = x\n', True),
        ("[default]\r\nregion = a\r\nrole_arn = x\r\n", True),
        ("[default]\nregion = a\n[default]\nweb_identity_token_file = x\n", True),
        ("[default]\n# aws_access_key_id = A\n", False),
        ("[default]\nregion = a\n[profile b]\naws_access_key_id = A\n", False),
        ("[services default]\naws_access_key_id = A\n", False),
        ("[default-x]\naws_access_key_id = A\n", False),
        ("no section\n", False),
        ("", False),
    ],
)
def test_a_default_gives_credentials_where_any_sdk_might_read_some(tmp_path: Path, text: str, is_source: bool) -> None:
    file = tmp_path / "config"
    file.write_text(text, newline="")
    environ = {"AWS_CONFIG_FILE": str(file), "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    assert sources_of_default(environ) == ([file] if is_source else [])


def test_a_file_that_is_no_utf_8_is_copied_byte_for_byte(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_bytes(b"# M\xfcller\n[default]\naws_access_key_id = A\noutput = yaml")
    environ = {"AWS_CONFIG_FILE": str(file), "AWS_SHARED_CREDENTIALS_FILE": "/nowhere"}
    terminal = Terminal({}, *(io.StringIO() for _ in range(3)))
    own_database = Context("https://aws.example.com", tmp_path / "own_database", environ, HeldClock(), terminal)
    with stepped_around(own_database, "eu-west-1") as variables:
        copied = Path(variables["AWS_CONFIG_FILE"]).read_bytes()
    head = f"\n[profile {variables['AWS_PROFILE']}]\n".encode()
    assert copied == file.read_bytes() + head + b"region = eu-west-1\noutput = yaml\n"
