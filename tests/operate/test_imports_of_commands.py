"""A command that needs the store alone starts without pages, connectors and AWS."""

from __future__ import annotations

import subprocess
import sys

import pytest

STORE_ALONE = (
    "accounts",
    "audit_query",
    "audit_verification",
    "backing_up",
    "blocking",
    "erasing",
    "key_rolling",
    "live_grants",
    "preparation",
    "provisioned",
    "resealing",
    "reviewing",
    "rulebook_versions",
    "signed_in",
)
HEAVY = ("federation_bridge.app", "authlib", "botocore", "flask", "requests")
_PROGRAM = """
import importlib, sys
for name in sys.argv[1].split():
    importlib.import_module(f"federation_bridge.operate.{name}")
print(*(name for name in sys.argv[2].split() if name in sys.modules))
"""


@pytest.mark.parametrize(("names", "found"), [(STORE_ALONE, ()), (("serving.bridge",), HEAVY)], ids=["store", "all"])
def test_a_command_that_needs_the_store_alone_imports_no_more(names: tuple[str, ...], found: tuple[str, ...]) -> None:
    command = [sys.executable, "-c", _PROGRAM, " ".join(names), " ".join(HEAVY)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=90)
    assert tuple(done.stdout.split()) == found
