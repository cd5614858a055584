"""deploy/cloudformation/bridge.py: what it has the real AWS CLI do, against a stand-in that remembers."""

from __future__ import annotations

import json
import os
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aws_cli import aws_program
from cloudformation_templates import GIVEN, NAMES, Filled, template
from documents.blocks import ROOT, blocks
from stack_stub import Stacks, served

SCRIPT = ROOT / "deploy" / "cloudformation" / "bridge.py"
TASKS = {
    "ClusterName": "bridge-tasks-Cluster",
    "NodeTask": "arn:aws:ecs:eu-central-1:111122223333:task-definition/bridge-node:7",
    "MigrationTask": "arn:aws:ecs:eu-central-1:111122223333:task-definition/bridge-migration:7",
    "LogGroup": "bridge-tasks-Log",
    "TaskNetwork": "awsvpcConfiguration={subnets=[subnet-3,subnet-4],securityGroups=[sg-1],assignPublicIp=DISABLED}",
}

OF_A_PERSON = {
    "HostName", "CertificateArn", "Connections", "Repository", "ImageDigest", "SealingKeyArn",
    "DatabaseCertificatesArn", "IssuerHostName", "IssuerCertificateArn",
}  # fmt: skip
"""The parameters that nobody but the operator knows, and that have no default."""


def containers(task: str) -> dict[str, dict[str, Any]]:
    described = Filled("tasks", GIVEN).resource(task)["Properties"]["ContainerDefinitions"]
    return {one["Name"]: one for one in described}


@dataclass(frozen=True)
class Operator:
    """Runs the script where the AWS CLI reaches the stand-in alone."""

    stacks: Stacks
    folder: Path
    endpoint: str

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, str(SCRIPT), *words)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "HOME": str(self.folder),
            "PATH": f"{self.folder}/bin{os.pathsep}{os.defpath}",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
        }
        return subprocess.run(
            command, env=environment, cwd=self.folder, capture_output=True, text=True, timeout=120, check=False
        )


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "aws").symlink_to(aws_program())
    stacks = Stacks()
    with served(stacks) as endpoint:
        yield Operator(stacks, tmp_path, endpoint)


def test_a_stack_gets_what_is_given_and_what_the_ones_before_it_tell(operator: Operator) -> None:
    told = {"NetworkId": "vpc-9", "PublicSubnets": "subnet-1,subnet-2", "PublicRanges": "10.64.0.0/22,10.64.4.0/22"}
    operator.stacks.outputs["bridge-network"] = told | {"PrivateSubnets": "subnet-3,subnet-4"}
    operator.stacks.outputs["bridge-database"] = {
        name: GIVEN[name] for name in ("DatabaseHost", "DatabaseClientGroup", "OwnerPasswordArn", "BridgePasswordArn")
    }
    operator.stacks.told["bridge-tasks"] = TASKS
    own = {name: GIVEN[name] for name in ("HostName", "Connections", "MoreSettings", "Repository", "ImageDigest")}
    own |= {name: GIVEN[name] for name in ("SealingKeyArn", "DatabaseCertificatesArn")}
    own |= {"CertificateArn": "of another template", "NetworkId": "vpc-1"}
    (operator.folder / "bridge.json").write_text(json.dumps(own))
    done = operator("deploy", "tasks")
    assert done.returncode == 0, done.stderr
    made = operator.stacks.parameters["bridge-tasks"]
    needed = {name for name, one in template("tasks")["Parameters"].items() if "Default" not in one}
    assert needed <= made.keys() <= template("tasks")["Parameters"].keys()
    assert {name: made[name] for name in ("Connections", "MoreSettings")} == {
        name: GIVEN[name] for name in ("Connections", "MoreSettings")
    }
    assert (made["PublicRanges"], made["NetworkId"]) == (told["PublicRanges"], "vpc-1")
    assert f"NodeTask: {TASKS['NodeTask']}" in done.stdout


def test_a_command_runs_in_a_task_of_its_own_with_its_files_and_gives_its_status(operator: Operator) -> None:
    operator.stacks.outputs["bridge-tasks"] = TASKS
    operator.stacks.ended = {"files": 0, "bridge": 3}
    operator.stacks.lines = {"bridge": ["Change 1 waits for another administrator."]}
    (operator.folder / "rules.yaml").write_text("version: 1\n# ü\n")
    command = ("rules", "apply", "/etc/federation-bridge/rules.yaml", "--reason", "first version")
    done = operator("run", "--rules", "rules.yaml", *command)
    assert (done.returncode, done.stdout) == (3, "Change 1 waits for another administrator.\n"), done.stderr
    (task,) = operator.stacks.tasks
    assert (task["cluster"], task["taskDefinition"], task["launchType"]) == (
        TASKS["ClusterName"],
        TASKS["NodeTask"],
        "FARGATE",
    )
    assert task["networkConfiguration"] == {
        "awsvpcConfiguration": {
            "subnets": ["subnet-3", "subnet-4"],
            "securityGroups": ["sg-1"],
            "assignPublicIp": "DISABLED",
        }
    }
    assert task["overrides"] == {
        "containerOverrides": [
            {"name": "bridge", "command": list(command)},
            {"name": "files", "environment": [{"name": "RULES", "value": "version: 1\n# ü\n"}]},
        ]
    }


def test_what_is_no_call_of_aws_is_taken_by_the_cli_as_the_page_shows_it(operator: Operator) -> None:
    """The calls of AWS among the page's commands are held against its models: `test_aws_deployment_page.py`."""
    shown = [line for name, block in blocks().items() if "aws-deployment.md" in name for line in block.commands]
    (restoring,) = (line for line in shown if line.startswith("aws cloudformation deploy"))
    upload = next(line for line in shown if line.startswith("aws s3 cp"))
    (operator.folder / "deploy").symlink_to(ROOT / "deploy")
    done = operator.run("aws", *shlex.split(restoring)[1:])
    assert done.returncode == 0, done.stderr
    made = operator.stacks.parameters["bridge-restored"]
    assert made.keys() <= template("database")["Parameters"].keys()
    assert (made["PrivateSubnets"], made["RestoreToTime"]) == ("SUBNET,SUBNET", "2026-11-29T10:00:00Z")
    (operator.folder / "openid-configuration").write_text("{}")
    done = operator.run("aws", *shlex.split(upload)[1:], "--dryrun")
    assert "s3://BUCKET/.well-known/openid-configuration" in done.stdout, done.stderr


# ------------------------------------------------------------------------------------- without the AWS CLI's own words


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], Stacks]:
    """The script's own names, its calls answered by the stand-in at once."""
    names = runpy.run_path(str(SCRIPT))
    stacks = Stacks(outputs={"bridge-tasks": TASKS})

    def answer(*words: str) -> Any:
        asked = dict(zip(words[2::2], words[3::2], strict=False))
        match words[:2]:
            case ("cloudformation", _):
                described = [{"OutputKey": key, "OutputValue": value} for key, value in TASKS.items()]
                return {"Stacks": [{"StackName": "bridge-tasks", "Outputs": described}, {"StackName": "another"}]}
            case ("logs", _):
                return stacks.json("GetLogEvents", {"logStreamName": asked["--log-stream-name"]})
            case ("ecs", "run-task"):
                return stacks.json("RunTask", asked)
            case ("ecs", "wait"):
                return None
        return stacks.json("DescribeTasks", asked)

    # What the functions of the script see.
    monkeypatch.setitem(names["run"].__globals__, "aws", answer)
    return names, stacks


def test_migrating_runs_as_the_owner_and_what_failed_before_it_is_shown(
    script: tuple[dict[str, Any], Stacks], capsys: pytest.CaptureFixture[str]
) -> None:
    names, stacks = script
    stacks.ended = {"files": 0, "user": 1, "migrate": None}
    stacks.lines = {"user": ["connection refused"]}
    with pytest.raises(names["Refused"], match="did not begin: Essential container"):
        names["run"]("bridge", ["migrate"], {})
    assert capsys.readouterr().out == "connection refused\n"
    assert stacks.tasks[0]["--task-definition"] == TASKS["MigrationTask"]
    changed = json.loads(stacks.tasks[0]["--overrides"])["containerOverrides"]
    assert changed == [{"name": "migrate", "command": containers("Migration")["migrate"]["Command"]}]


def test_an_owner_s_command_runs_where_the_owner_s_password_is(script: tuple[dict[str, Any], Stacks]) -> None:
    names, stacks = script
    stacks.ended, stacks.lines = {"files": 0, "user": 0, "migrate": 0}, {"migrate": []}
    assert names["run"]("bridge", ["people", "erase", "corp/mei"], {}, is_owner=True) == 0
    assert stacks.tasks[0]["--task-definition"] == TASKS["MigrationTask"]
    (changed,) = json.loads(stacks.tasks[0]["--overrides"])["containerOverrides"]
    assert changed["command"] == ["people", "erase", "corp/mei", "--owner", "bridge_owner"]
    cluster = Filled("database", GIVEN).resource("Cluster")["Properties"]
    assert cluster["MasterUsername"] == "bridge_owner"


def test_files_that_ecs_would_not_take_are_refused_in_words(
    script: tuple[dict[str, Any], Stacks], tmp_path: Path
) -> None:
    names, stacks = script
    (tmp_path / "rules.yaml").write_text("x" * 9_000)
    with pytest.raises(names["Refused"], match="by the API"):
        names["run"]("bridge", ["rules", "apply"], {"RULES": tmp_path / "rules.yaml"})
    assert stacks.tasks == []


def test_a_stack_that_is_not_there_is_told(script: tuple[dict[str, Any], Stacks]) -> None:
    with pytest.raises(script[0]["Refused"], match="no stack other-tasks"):
        script[0]["run"]("other", ["check"], {})


def test_the_script_knows_what_the_templates_are_and_tell() -> None:
    assert [list(containers(task)) for task in ("Node", "Migration")] == [
        ["files", "bridge"],
        ["files", "user", "migrate"],
    ]
    assert template("tasks")["Outputs"].keys() >= TASKS.keys()
    assert set(runpy.run_path(str(SCRIPT))["ORDER"]) == set(NAMES)


def test_every_parameter_is_given_by_a_person_or_told_by_a_stack_before() -> None:
    told: set[str] = set()
    for name in runpy.run_path(str(SCRIPT))["ORDER"]:
        for label, one in template(name)["Parameters"].items():
            assert "Default" in one or label in told or label in OF_A_PERSON, f"{name}: {label}"
        told |= template(name)["Outputs"].keys()
    assert told & OF_A_PERSON == set()
