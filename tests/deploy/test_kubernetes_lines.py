"""docs/kubernetes.md: kubectl itself takes each line that a person types, as far as it gets without a cluster."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml
from absent_software import program
from documents.blocks import ROOT, blocks
from kubernetes_manifests import REMEDY


def page() -> str:
    return (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")


def lines_for_a_cluster() -> list[str]:
    """What the page has a person type that changes or asks a cluster; secrets are made by a test of their own."""
    shown = [line for name, block in blocks().items() if "kubernetes.md console" in name for line in block.commands]
    told = [line for line in re.findall(r"`(kubectl [^`]+)`", page()) if "federation-bridge " in line]
    return sorted({line for line in [*shown, *told] if line.startswith("kubectl") and " create secret " not in line})


def asked_of_nobody(line: str, home: Path) -> str:
    """What kubectl says where the cluster is a port at which nothing listens."""
    (home / ".kube").mkdir()
    named = {"clusters": [{"name": "x", "cluster": {"server": "http://127.0.0.1:9"}}], "current-context": "x"}
    named |= {
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "users": [{"name": "x", "user": {}}],
    }
    (home / ".kube" / "config").write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **named}))
    done = subprocess.run(
        [program("kubectl", REMEDY), *shlex.split(line)[1:]], cwd=ROOT, env={"PATH": os.defpath, "HOME": str(home)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.stderr


@pytest.mark.parametrize("line", lines_for_a_cluster())
def test_kubectl_takes_every_line_and_gets_as_far_as_the_cluster(line: str, tmp_path: Path) -> None:
    """There is none here. What kubectl does not know, or finds no files for, it refuses before it asks."""
    said = asked_of_nobody(line, tmp_path)
    assert re.search(r"127\.0\.0\.1:9.*refused", said), said


def test_a_line_that_kubectl_does_not_take_never_gets_there(tmp_path: Path) -> None:
    said = asked_of_nobody("kubectl -n federation-bridge delete job x --ignore-not-there", tmp_path)
    assert "unknown flag: --ignore-not-there" in said
    assert "refused" not in said
