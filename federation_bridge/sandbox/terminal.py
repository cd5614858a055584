"""A person's terminal in the demo: `fedbridge` and the real AWS CLI, in a fresh home, with the browser beside them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from federation_bridge.sandbox.aws_cli import AwsCli
from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.scripted_user import ScriptedUser

_CODE = re.compile(r"^\s+([A-Z0-9]{4}-[A-Z0-9]{4})\s*$", re.MULTILINE)
_QUESTION = "Did you start this"
_BUTTON = "Yes, let it in"
_WITHIN = 60


@dataclass(frozen=True, slots=True)
class DeviceLogin:
    """A login whose code was typed and allowed, and which has yet to notice."""

    process: subprocess.Popen[str]
    asked: str
    """The words by which the page asked for leave."""

    def ended(self) -> str:
        """The command's last words; LookupError where it did not end well."""
        return _ended_well(self.process, "fedbridge login")


@dataclass(frozen=True, slots=True)
class Terminal:
    """A home, and the commands that are run there. LookupError carries the words of a command that failed."""

    home: Path
    company: Company

    def environment(self) -> dict[str, str]:
        """What every command finds: nothing of this machine's person."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
        ours = {"HOME": str(self.home), "FEDBRIDGE_TOKEN_STORE": "file", "FEDBRIDGE_LANGUAGE": "en"}
        return {**kept, **ours}

    def fedbridge(self, *words: str) -> str:
        """What `fedbridge` says that ends well."""
        return _ended_well(self._start(*words), f"fedbridge {words[0]}")

    @contextmanager
    def device_login(self, scripted_user: ScriptedUser) -> Iterator[DeviceLogin]:
        """`fedbridge login --device`, whose code `scripted_user` has typed; it polls, at most until the block ends."""
        process = self._start("login", self.company.bridge, "--device")
        try:
            yield DeviceLogin(process, _approve(scripted_user, _told_code(process)))
        finally:
            process.kill()
            process.communicate()

    def aws(self, cli: AwsCli, *words: str) -> str:
        """What the AWS CLI says that ends well, with the local AWS in place of the real one."""
        here = self.company.addresses.aws
        more = {"AWS_ENDPOINT_URL_STS": here, "AWS_ENDPOINT_URL_S3": here, "AWS_REGION": "eu-central-1"}
        process = cli.start(self.home, *words, more={**self.environment(), **more})
        return _ended_well(process, f"aws {' '.join(words[:2])}").strip()

    def _start(self, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "federation_bridge.cli", *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(  # noqa: S603 - the command is ours
            command, env=self.environment(), stdin=subprocess.DEVNULL, stdout=pipe, stderr=subprocess.STDOUT, text=True
        )


def _ended_well(process: subprocess.Popen[str], what: str) -> str:
    try:
        said, _ = process.communicate(timeout=_WITHIN)
    except BaseException:  # whoever leaves the demo leaves no command behind
        process.kill()
        process.wait()
        raise
    if process.returncode != 0:
        raise LookupError(f"{what} ended with {process.returncode}: {said}")
    return said


def _told_code(process: subprocess.Popen[str]) -> str:
    said = ""
    for line in process.stdout or ():
        said += line
        if found := _CODE.search(line):
            return found[1]
    raise LookupError(f"no code was told: {said}")


def _approve(scripted_user: ScriptedUser, code: str) -> str:
    page = scripted_user.open("/device")
    page = scripted_user.browser.submit(page, page.form("/device"), user_code=code)
    scripted_user.browser.submit(page, page.form("/device/decision"), decision="allow")
    # From the question to the buttons: what stands around them is the same on every page.
    return page.words[page.words.find(_QUESTION) :].partition(_BUTTON)[0].strip()
