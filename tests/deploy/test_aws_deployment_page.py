"""docs/aws-deployment.md: its commands are ones that programs take, and it shows what the templates ask for."""

from __future__ import annotations

import json
import re
import runpy
import shlex
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import jmespath  # type: ignore[import-untyped]
import pytest
import yaml
from botocore import xform_name
from cloudformation_templates import GIVEN, NAMES, Filled, template
from documents.blocks import ROOT, blocks
from documents.command_words import mistake_in
from documents.readme_files import three_files

from federation_bridge.operate import export, preparation
from federation_bridge.operate.commands import commands
from federation_bridge.settings import load_settings

PAGE = (ROOT / "docs" / "aws-deployment.md").read_text("utf-8")
BLOCKS = {name: block for name, block in blocks().items() if block.page == "docs/aws-deployment.md"}
SCRIPT = runpy.run_path(str(ROOT / "deploy" / "cloudformation" / "bridge.py"))
RUNS = "python3 deploy/cloudformation/bridge.py "
OF_THE_CLI = {"output"}
"""Options of every command of the AWS CLI, beside `--query`."""
OF_THE_CLI_ALONE = {("s3", "cp"), ("ecr", "get-login-password"), ("cloudformation", "deploy")}
"""No calls of AWS: test_bridge_script.py gives those with options to the CLI itself."""
OTHERS = {"umask", "openssl", "curl", "podman"}
"""Programs of others that the page has run."""
SHOWN = json.loads(BLOCKS["docs/aws-deployment.md json 1"].text)


def shown_commands() -> Iterator[str]:
    for block in BLOCKS.values():
        for command in block.commands:
            yield from command.split(" | ")
    yield from re.findall(rf"`({RUNS}[^`]+)`", PAGE)
    yield from (f"{RUNS}{one}" for one in re.findall(r"`(run (?:--owner )?people[^`]+)`", PAGE))


def of_aws(words: list[str], *, whole: bool = True) -> str | None:
    """What is wrong with these words after `aws`, or None; `whole`: it is no beginning of a command."""
    service, operation, *options = words
    if (service, operation) in OF_THE_CLI_ALONE:
        return None
    model = botocore.session.get_session().get_service_model(service)
    named = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in named:
        return f"{service} has no {operation}"
    called = model.operation_model(named[operation])
    assert called.input_shape is not None
    known = {xform_name(name, "-"): shape for name, shape in called.input_shape.members.items()}
    given = {option[2:]: values for option, values in options_of(options).items()}
    for option, values in given.items():
        if option in known:
            fault = not_taken(known[option], values)
        elif option == "query":
            fault = None if jmespath.search(values[0], anything(called.output_shape)) else "finds nothing"
        else:
            fault = None if option in OF_THE_CLI or known.get(option[3:]) else "there is no such option"
        if fault:
            return f"--{option}: {fault}"
    missing = {xform_name(name, "-") for name in called.input_shape.required_members} - given.keys()
    return f"{missing} missing" if missing and whole else None


def options_of(words: list[str]) -> dict[str, list[str]]:
    """Each option with the words behind it."""
    found: dict[str, list[str]] = {}
    for word in words:
        if word.startswith("--"):
            found[word] = values = []
        else:
            values.append(word)
    return found


def not_taken(shape: Any, values: list[str]) -> str | None:
    """Why the AWS CLI does not take these words for a parameter of this shape, in its own short writing."""
    if shape.type_name == "boolean":
        return None if not values else "takes no value"
    if shape.type_name == "list":
        keys = {pair.partition("=")[0] for value in values for pair in value.split(",")}
        unknown = keys - shape.member.members.keys()
        return f"has no {unknown}" if unknown else None
    (value,) = values
    if shape.type_name == "integer":
        return None if value.isdecimal() else "is no number"
    assert shape.type_name == "string", shape
    return f"is none of {shape.enum}" if shape.enum and value not in shape.enum else None


def anything(shape: Any) -> Any:
    """An answer of this shape, in which every text is its own name."""
    if shape.type_name == "structure":
        return {name: anything(member) for name, member in shape.members.items()}
    return [anything(shape.member)] if shape.type_name == "list" else shape.name


@pytest.mark.parametrize("line", list(shown_commands()))
def test_every_command_of_the_page_is_one_that_its_program_takes(line: str) -> None:
    words = shlex.split(line)
    if words[0] == "aws":
        assert of_aws(words[1:]) is None
    elif line.startswith(RUNS):
        asked = SCRIPT["command_line"]().parse_args(words[2:])
        if asked.action == "run":
            assert mistake_in(commands, asked.command) is None
            given = {"rules.yaml": asked.rules, "accounts.yaml": asked.accounts}
            placed = [Path(word).name for word in asked.command if word.startswith("/etc/federation-bridge/")]
            assert placed == [name for name, path in given.items() if path]
    else:
        assert words[0] in OTHERS


@pytest.mark.parametrize("line", re.findall(r"`aws ([a-z]+ [a-z-]+[^`]*)`", PAGE))
def test_the_beginning_of_a_command_is_one_that_can_go_on(line: str) -> None:
    assert of_aws(shlex.split(line), whole=False) is None


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("ecr create-repo", "ecr has no create-repo"),
        ("ecr create-repository --nam x", "--nam: there is no such option"),
        ("ecr create-repository", "{'repository-name'} missing"),
        (
            "ecr create-repository --repository-name x --image-tag-mutability FIXED",
            "--image-tag-mutability: is none of",
        ),
        ("ecr describe-images --repository-name x --image-ids tag=1", "--image-ids: has no {'tag'}"),
        ("ecr describe-images --repository-name x --query images[0].imageDigest", "--query: finds nothing"),
        ("ecs update-service --service x --desired-count no", "--desired-count: is no number"),
        ("ecs update-service --service x --force-new-deployment yes", "--force-new-deployment: takes no value"),
    ],
)
def test_a_command_that_is_none_is_found(line: str, why: str) -> None:
    assert (of_aws(shlex.split(line)) or "").startswith(why)


def test_the_stacks_are_made_in_the_order_in_which_they_need_each_other() -> None:
    made = [
        shlex.split(line)[-1]
        for line in BLOCKS["docs/aws-deployment.md console 3"].commands
        if line.startswith(f"{RUNS}deploy")
    ]
    assert made == SCRIPT["ORDER"]
    assert re.findall(r"^\| `(\w+)\.yaml` \|", PAGE, re.MULTILINE) == SCRIPT["ORDER"]


def test_the_parameters_of_the_page_are_those_that_are_needed() -> None:
    needed = {label for name in NAMES for label, one in template(name)["Parameters"].items() if "Default" not in one}
    told = {label for name in NAMES for label in template(name)["Outputs"]}
    assert SHOWN.keys() == (needed - told) | {"MoreSettings"}
    replaced = json.loads(
        json.dumps(SHOWN)
        .replace("REGION", "eu-central-1")
        .replace("ACCOUNT", "111122223333")
        .replace("sha256:DIGEST", f"sha256:{'0' * 64}")
        .replace("certificate/ID", "certificate/0")
    )
    for name in NAMES:
        for label in replaced.keys() & template(name)["Parameters"].keys():
            assert re.fullmatch(template(name)["Parameters"][label]["AllowedPattern"], replaced[label]), label


def test_what_is_uploaded_is_what_the_bridge_exports(tmp_path: Path) -> None:
    settings = load_settings(three_files(tmp_path))
    preparation.migrate(settings)
    exported = {
        path.relative_to(tmp_path / "public").as_posix() for path in export.export(settings, tmp_path / "public")
    }
    fetched, uploaded = {}, {}
    for line in BLOCKS["docs/aws-deployment.md console 5"].commands:
        words = shlex.split(line)
        if words[0] == "curl":
            fetched[words[-1]] = urllib.parse.urlsplit(words[2]).path[1:]
        else:
            uploaded[words[3]] = words[4].removeprefix("s3://BUCKET/")
            assert words[words.index("--content-type") + 1] == "application/json"
            assert words[words.index("--cache-control") + 1] == "public, max-age=300"
    assert fetched == uploaded
    assert set(fetched.values()) == {name for name in exported if name.startswith(".well-known/")}
    (allowed,) = (
        one["Resource"]
        for one in Filled("issuer", GIVEN).resource("FilesPolicy")["Properties"]["PolicyDocument"]["Statement"]
        if one["Effect"] == "Allow"
    )
    assert {resource.removeprefix("<Files.Arn>/") for resource in allowed} == set(fetched.values())


def test_numbers_of_the_page_are_those_of_the_templates() -> None:
    service = Filled("service", GIVEN)
    attributes = {
        one["Key"]: one["Value"]
        for label, key in (("Balancer", "LoadBalancerAttributes"), ("NodesOfService", "TargetGroupAttributes"))
        for one in service.resource(label)["Properties"][key]
    }
    group = service.resource("NodesOfService")["Properties"]
    node = Filled("tasks", GIVEN).resource("Node")["Properties"]["ContainerDefinitions"]
    settings: dict[str, Any] = yaml.safe_load(node[0]["Environment"][0]["Value"])
    serving = settings["serving"]
    said = re.sub(r"\s+", " ", PAGE)
    for part in (
        f"rest for {attributes['idle_timeout.timeout_seconds']} seconds",
        f"waits {attributes['deregistration_delay.timeout_seconds']} seconds",
        f"`drain_time` ({serving['drain_time']})",
        f"(`shutdown_timeout`, {serving['shutdown_timeout']})",
        f"after {node[1]['StopTimeout']} seconds it would be ended",
        f"no people after {group['HealthCheckIntervalSeconds'] * group['UnhealthyThresholdCount']} seconds",
    ):
        assert part in said, part
