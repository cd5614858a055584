"""What the tasks of deploy/cloudformation are given."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from cloudformation_templates import GIVEN, Filled


def containers(task: str, given: dict[str, str] = GIVEN) -> dict[str, dict[str, Any]]:
    described = Filled("tasks", given).resource(task)["Properties"]["ContainerDefinitions"]
    return {one["Name"]: one for one in described}


def environment(container: dict[str, Any]) -> dict[str, str]:
    return {one["Name"]: one["Value"] for one in container["Environment"]}


def run(container: dict[str, Any], environ: dict[str, str], change: dict[str, str]) -> None:
    """Runs a container's code with this machine's Python, some words of it changed."""
    (code,) = container["Command"]
    for before, after in change.items():
        assert before in code, before
        code = code.replace(before, after)
    command = [sys.executable, "-I", "-c", code]
    done = subprocess.run(command, env=environ, check=False, timeout=60, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def written(tmp_path: Path, task: str, given: dict[str, str] = GIVEN, **more: str) -> Path:
    """The folder of files that the first container of a task writes."""
    files = containers(task, given)["files"]
    (tmp_path / "tmp").mkdir()
    environ = environment(files) | {"DATABASE_CERTIFICATES": "-----BEGIN CERTIFICATE-----"} | more
    run(files, environ, {"/etc/federation-bridge": str(tmp_path), '"/tmp"': f'"{tmp_path}/tmp"'})
    return tmp_path
