"""Makes the stacks of this folder, and runs commands of `federation-bridge` in them (docs/aws-deployment.md).

    bridge.py [--name bridge] [--parameters bridge.json] deploy TEMPLATE
    bridge.py [--name bridge] run [--owner] [--rules FILE] [--accounts FILE] COMMAND...

Needs Python and the AWS CLI, which it calls `aws`: account, region and credentials are those that the CLI finds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ORDER = ["network", "issuer", "database", "tasks", "service"]
"""The stacks in the order in which one needs what another one tells."""
OWNER = "bridge_owner"
"""PostgreSQL's user who owns the tables, as database.yaml names it."""
LONGEST_OVERRIDE = 8_192
"""Characters that ECS takes for what one run changes of its task."""


class Refused(Exception):
    """Something does not work, in words."""


def aws(*words: str) -> Any:
    """What the AWS CLI prints, as JSON; Refused with its words where it fails."""
    done = subprocess.run(["aws", *words, "--output", "json"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(done.stderr.strip())
    return json.loads(done.stdout) if done.stdout.strip() else None


def outputs(name: str) -> dict[str, dict[str, str]]:
    """What each stack that there is tells of itself, by its template."""
    found = {one["StackName"]: one for one in aws("cloudformation", "describe-stacks")["Stacks"]}
    return {
        template: {each["OutputKey"]: each["OutputValue"] for each in found[f"{name}-{template}"].get("Outputs", [])}
        for template in ORDER
        if f"{name}-{template}" in found
    }


def deploy(name: str, template: str, given: dict[str, str]) -> None:
    """Makes or updates one stack, from what the others tell and from what is given, which wins."""
    known: dict[str, str] = {}
    for told in outputs(name).values():
        known |= told
    known |= given
    with tempfile.TemporaryDirectory() as folder:
        parameters = Path(folder) / "parameters.json"
        parameters.write_text(
            json.dumps([{"ParameterKey": key, "ParameterValue": value} for key, value in known.items()])
        )
        # What a template does not ask for is left out by the CLI.
        words = ["--stack-name", f"{name}-{template}", "--template-file", str(HERE / f"{template}.yaml")]
        words += ["--parameter-overrides", f"file://{parameters}", "--capabilities", "CAPABILITY_IAM"]
        command = ["aws", "cloudformation", "deploy", *words, "--no-fail-on-empty-changeset"]
        if subprocess.run(command, check=False).returncode:
            raise Refused(f"the stack {name}-{template} is not as it shall be: CloudFormation's events say why")
    for key, value in outputs(name)[template].items():
        sys.stdout.write(f"{key}: {value}\n")


def run(name: str, command: list[str], files: dict[str, Path], *, is_owner: bool = False) -> int:
    """Runs one command in a task of its own, prints what it wrote, and gives its exit status.

    `is_owner`: as the owner of the database's tables, as `migrate` always does.
    """
    known = outputs(name).get("tasks")
    if known is None:
        raise Refused(f"there is no stack {name}-tasks in this account and region")
    container, task = "bridge", known["NodeTask"]
    if is_owner or command == ["migrate"]:
        container, task, command = "migrate", known["MigrationTask"], [*command, "--owner", OWNER]
    started = aws(
        "ecs", "run-task", "--cluster", known["ClusterName"], "--task-definition", task, "--launch-type", "FARGATE",
        "--network-configuration", known["TaskNetwork"],
        "--overrides", overrides({container: command}, files),
    )  # fmt: skip
    if started["failures"]:
        raise Refused(f"ECS started nothing: {started['failures'][0]['reason']}")
    arn = started["tasks"][0]["taskArn"]
    aws("ecs", "wait", "tasks-stopped", "--cluster", known["ClusterName"], "--tasks", arn)
    stopped = aws("ecs", "describe-tasks", "--cluster", known["ClusterName"], "--tasks", arn)["tasks"][0]
    ended = {one["name"]: one.get("exitCode") for one in stopped["containers"]}
    for each, status in ended.items():
        # What wrote nothing, because it never began, has no stream.
        if status is not None and (status or each == container):
            _print_log(known["LogGroup"], f"task/{each}/{arn.rpartition('/')[2]}")
    if ended[container] is None:
        raise Refused(f"the command did not begin: {stopped.get('stoppedReason', 'ECS does not say why')}")
    return int(ended[container])


def overrides(commands: dict[str, list[str]], files: dict[str, Path]) -> str:
    """What this run changes of its task, as JSON; Refused where that is more than ECS takes."""
    changed: list[dict[str, Any]] = [{"name": each, "command": command} for each, command in commands.items()]
    if files:
        texts = [{"name": key, "value": path.read_text(encoding="utf-8")} for key, path in files.items()]
        changed.append({"name": "files", "environment": texts})
    made = json.dumps({"containerOverrides": changed})
    if len(made) > LONGEST_OVERRIDE:
        raise Refused(
            f"these files make {len(made)} characters, and ECS takes {LONGEST_OVERRIDE}: begin with rules that make "
            "you an administrator, and apply the others by the API (docs/administration.md)"
        )
    return made


def _print_log(group: str, stream: str) -> None:
    words = ["--log-group-name", group, "--log-stream-name", stream, "--start-from-head"]
    for line in aws("logs", "get-log-events", *words)["events"]:
        sys.stdout.write(f"{line['message']}\n")


def command_line() -> argparse.ArgumentParser:
    """What the script can be asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--name", default="bridge", help="what the names of the stacks begin with")
    parser.add_argument("--parameters", type=Path, default=Path("bridge.json"), help="your parameters, by their names")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("deploy", help="make or update a stack").add_argument("template", choices=ORDER)
    runner = actions.add_parser("run", help="run a command of federation-bridge")
    runner.add_argument("--owner", action="store_true", help="as the owner of the database's tables")
    runner.add_argument("--rules", type=Path, help="becomes /etc/federation-bridge/rules.yaml")
    runner.add_argument("--accounts", type=Path, help="becomes /etc/federation-bridge/accounts.yaml")
    runner.add_argument("command", nargs=argparse.REMAINDER, help="as after federation-bridge")
    return parser


def main() -> int:
    """Does what the command line asks for; the exit status."""
    asked = command_line().parse_args()
    try:
        if asked.action == "deploy":
            deploy(asked.name, asked.template, json.loads(asked.parameters.read_text(encoding="utf-8")))
            return 0
        files = {"RULES": asked.rules, "ACCOUNTS": asked.accounts}
        given = {key: path for key, path in files.items() if path}
        return run(asked.name, asked.command, given, is_owner=asked.owner)
    except (Refused, OSError, ValueError) as refused:
        sys.stderr.write(f"bridge.py: {refused}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
