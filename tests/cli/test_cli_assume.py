"""`fedbridge assume`, in the real shells: what a shell has afterwards, whatever the values hold, and the way back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import botocore.session
import pytest
from absent_software import program
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cli_factories import Person
from fake_bridge import ROLE, FakeBridge, Reply, put_session
from forked_in_shells import put_fedbridge
from sts_endpoint import StsEndpoint, sts_endpoint

from federation_bridge.cli.credentials.chaining import _DOMAINS

INSTALL = "apt-get install zsh fish"
SEEN = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION")
PROMPT = ("FEDBRIDGE_ASSUMED_ROLE", "FEDBRIDGE_ASSUMED_ACCOUNT")
RUN = {"bash": ("--norc", "--noprofile", "-c"), "zsh": ("-f", "-c"), "fish": ("--no-config", "-c")}
DUMP = f"'{sys.executable}' -I -S -c 'import json, os; print(\"DUMP\" + json.dumps(dict(os.environ)))'"
HOSTILE = [
    "it's $(touch broken) `touch broken` ${HOME}",
    "'; touch broken; '",
    "\\' ; touch broken #",
    "a\\\\'b\\",
    "\u2019; touch broken; \u2018 '' ''' !x",
]


@pytest.fixture
def ada(bridge: FakeBridge, tmp_path: Path) -> Person:
    """Somebody whose PATH holds `fedbridge`, and whose list of roles was seen before."""
    folder = put_session(tmp_path, bridge, ends_at=4_000_000_000)
    listed = [{"account": "111122223333", "account_name": "production", "role": "Developer"}]
    (folder / "roles.json").write_text(json.dumps(listed))
    (folder / "roles.json").chmod(0o600)
    found = put_fedbridge(tmp_path / "bin")
    return Person(tmp_path, bridge.address, {"PATH": f"{found.parent}:{os.environ['PATH']}", "LANG": "C.UTF-8"})


def init_of(shell: str) -> str:
    return "fedbridge shell-init fish | source" if shell == "fish" else f'eval "$(fedbridge shell-init {shell})"'


def shell_run(ada: Person, shell: str, *lines: str, **variables: str) -> tuple[int, list[dict[str, str]], str]:
    """The shell's status, the environments that a child saw at each `DUMP` of the lines, and its words."""
    text = "\n".join((init_of(shell), *lines)).replace("DUMP;", DUMP + ";")
    command = [program(shell, INSTALL), *RUN[shell], text]
    done = subprocess.run(
        command,
        env=ada.environ() | variables,
        cwd=ada.home,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    dumps = [json.loads(line.removeprefix("DUMP")) for line in done.stdout.splitlines() if line.startswith("DUMP")]
    return done.returncode, dumps, done.stderr


@pytest.mark.parametrize("shell", sorted(RUN))
def test_a_shell_has_the_role_with_all_for_its_prompt_and_goes_back_to_exactly_what_it_was(
    ada: Person, shell: str
) -> None:
    before = {"AWS_PROFILE": "mine 'own'", "AWS_REGION": "ap-east-1", "AWS_SESSION_TOKEN": "old\nof two lines"}
    assume = f"fedbridge assume {ROLE}"
    status, dumps, words = shell_run(
        ada, shell, "DUMP;", assume, "DUMP;", "fedbridge assume --unset", "DUMP;", **before
    )
    assert (status, len(dumps)) == (0, 3), words
    first, assumed, last = dumps
    assert [assumed[name] for name in SEEN] == ["ASIAEXAMPLE", "secret", "token", "ap-east-1", "ap-east-1"]
    assert [assumed[name] for name in PROMPT] == ["production/Developer", "111122223333"]
    assert int(assumed["FEDBRIDGE_ASSUMED_EXPIRES"]) > 1_700_000_000
    assert "AWS_PROFILE" not in assumed
    # Shells count how deep they are by themselves.
    assert {**last, "SHLVL": "", "_": ""} == {**first, "SHLVL": "", "_": ""}
    assert "This shell has the role production/Developer until" in words


@pytest.mark.parametrize("shell", sorted(RUN))
@pytest.mark.parametrize("secret", HOSTILE)
def test_whatever_a_value_holds_a_shell_runs_nothing_of_it(
    ada: Person, bridge: FakeBridge, shell: str, secret: str
) -> None:
    bridge.answers[f"/api/v1/roles/{ROLE}/credentials"] = bridge.credentials(secret_access_key=secret)
    status, dumps, words = shell_run(ada, shell, f"fedbridge assume {ROLE}", "DUMP;", AWS_PROFILE=secret)
    assert (status, dumps[0]["AWS_SECRET_ACCESS_KEY"]) == (0, secret), words
    status, dumps, words = shell_run(
        ada, shell, f"fedbridge assume {ROLE}", "fedbridge assume --unset", "DUMP;", AWS_PROFILE=secret
    )
    assert (status, dumps[0]["AWS_PROFILE"]) == (0, secret), words
    assert not list(ada.home.rglob("broken*"))


@pytest.mark.parametrize("shell", sorted(RUN))
@pytest.mark.parametrize(
    ("words", "status"), [("Nobody/Has", 5), ("--duration x", 2), ("--help", 0), ("--nothing", 2), ("--chain x", 2)]
)
def test_a_failure_changes_nothing_and_its_status_is_the_function_s(
    ada: Person, bridge: FakeBridge, shell: str, words: str, status: int
) -> None:
    bridge.answers["/api/v1/roles"] = Reply(body={"roles": [dict.fromkeys(("account", "role"), "x")]})
    keep = "set -l ended $status" if shell == "fish" else "ended=$?"
    _, dumps, told = shell_run(ada, shell, "DUMP;", f"fedbridge assume {words}", keep, "DUMP;", "echo ended $ended >&2")
    assert dumps[0] == dumps[1]
    assert f"ended {status}\n" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("shell", sorted(RUN))
def test_every_other_command_goes_through_the_function_as_it_is(ada: Person, shell: str) -> None:
    status, dumps, words = shell_run(ada, shell, f"fedbridge exec {ROLE} -- {DUMP}; ")
    assert (status, len(dumps)) == (0, 1), words
    assert shell_run(ada, shell, f"fedbridge exec {ROLE} -- sh -c 'exit 41'")[0] == 41
    assert shell_run(ada, shell, "fedbridge nothing")[0] == 2
    assert shell_run(ada, shell, "fedbridge")[0] == 0


def test_what_a_browser_says_is_evaluated_by_no_shell(ada: Person, bridge: FakeBridge) -> None:
    browser = ada.home / "browser"
    browser.write_text('#!/bin/sh\necho touch broken\n: > "$HOME/opened"\n')
    browser.chmod(0o755)
    (ada.folder / "session.json").unlink()
    out = ada.start("assume", "--shell", "bash", "--browser", ROLE, variables={"BROWSER": str(browser)})
    while not (ada.home / "opened").exists():
        assert out.poll() is None
    out.terminate()
    told, words = out.communicate(timeout=60)
    assert (told, "touch broken" in words) == ("", True)


def test_without_the_function_assume_says_how_to_get_it(ada: Person) -> None:
    status, out, words = ada.run("assume", ROLE)
    assert (status, out, "fedbridge shell-init" in words) == (2, "", True)
    assert ada.run("assume", "--help")[1] == ""


def test_a_command_of_another_role_is_told_nothing_of_the_shell_s_and_the_doctor_knows_why_keys_are_set(
    ada: Person,
) -> None:
    lines = (f"fedbridge assume {ROLE}", f"fedbridge exec {ROLE} -- {DUMP}", "fedbridge doctor >&2")
    _, dumps, words = shell_run(ada, "bash", *lines)
    assert [name for name in dumps[0] if name.startswith("FEDBRIDGE_ASSUMED")] == []
    assert "AWS_ACCESS_KEY_ID" not in dumps[0]
    assert "ok   This shell has the role production/Developer." in words
    assert "AWS_ACCESS_KEY_ID is set" not in words


TARGET = "arn:aws:iam::444455556666:role/teams/Deploy"


@pytest.fixture
def sts() -> Iterator[StsEndpoint]:
    with sts_endpoint() as made:
        yield made


def chain(ada: Person, sts: StsEndpoint, *words: str) -> tuple[int, str, str]:
    variables = {"AWS_ENDPOINT_URL_STS": sts.address}
    return ada.run("assume", "--shell", "bash", ROLE, *words, variables=variables)


def test_a_chain_keeps_the_person_s_session_name_and_is_signed_as_botocore_signs(ada: Person, sts: StsEndpoint) -> None:
    status, out, words = chain(ada, sts, "--chain", TARGET)
    assert status == 0, words
    assert "export AWS_ACCESS_KEY_ID='ASIACHAINED'\n" in out
    assert (
        "export FEDBRIDGE_ASSUMED_ROLE='444455556666/Deploy'\nexport FEDBRIDGE_ASSUMED_ACCOUNT='444455556666'\n" in out
    )
    (asked,) = sts.asked
    fields = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
    assert fields == {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": TARGET,
        "RoleSessionName": "ada",
        "DurationSeconds": "3600",
    }
    request = AWSRequest("POST", f"{sts.address}/", data=asked.body)
    request.headers["Content-Type"] = asked.headers["Content-Type"]
    request.context["timestamp"] = asked.headers["X-Amz-Date"]
    signer = SigV4Auth(Credentials("ASIAEXAMPLE", "secret", "token"), "sts", "eu-central-1")
    request.headers["X-Amz-Date"], request.headers["X-Amz-Security-Token"] = asked.headers["X-Amz-Date"], "token"
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    assert asked.headers["Authorization"].endswith(f"Signature={signature}")


@pytest.mark.parametrize(
    ("words", "seconds", "is_told"),
    [(("--duration", "20m"), 1200, False), (("--duration", "8h"), 3600, True), (("--duration", "1m"), 900, False)],
)
def test_a_chain_lasts_an_hour_at_most_and_says_so(
    ada: Person, sts: StsEndpoint, words: tuple[str, ...], seconds: int, is_told: bool
) -> None:
    status, _, told = chain(ada, sts, "--chain", TARGET, *words)
    assert (status, "One hour at most" in told) == (0, is_told), told
    assert parse_qs(sts.asked[0].body.decode())["DurationSeconds"] == [str(seconds)]


def test_what_aws_refuses_in_a_chain_is_told_and_nothing_is_printed(
    ada: Person, sts: StsEndpoint, bridge: FakeBridge
) -> None:
    sts.refusal = (403, "AccessDenied", "User is not authorized\u202e to perform: sts:AssumeRole")
    status, out, words = chain(ada, sts, "--chain", TARGET)
    assert (status, out) == (9, "")
    assert "AWS refuses the second role: User is not authorized" in words
    sts.refusal = (200, "", "")
    assert chain(ada, sts, "--chain", TARGET)[:2] == (9, "")
    status, out, words = chain(ada, sts, "--chain", "arn:aws-cn:iam::444455556666:role/Deploy")
    assert (status, out, "another partition" in words) == (2, "", True)
    bridge.asked.clear()
    assert chain(ada, sts, "--chain", "arn:aws:iam::1:role/x")[:2] == (2, "")
    assert bridge.paths() == []


def test_each_partition_s_sts_is_the_one_that_botocore_asks() -> None:
    session = botocore.session.Session()
    regions = {"aws": "eu-west-1", "aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1", "aws-eusc": "eusc-de-east-1"}
    for partition, region in regions.items():
        client = session.create_client("sts", region, aws_access_key_id="x", aws_secret_access_key="x")
        assert client.meta.endpoint_url == f"https://sts.{region}.{_DOMAINS[partition]}"
