"""A person at their terminal: `fedbridge` in processes of its own, with a fresh home, and the browser beside it."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from begun_programs import OF_OURS, begin
from preloaded import MAIN

__all__ = ["MAIN"]
_SYSTEM = ("PATH", "LANG", "SYSTEMROOT")


@dataclass(slots=True)
class Person:
    """Runs commands against one bridge."""

    home: Path
    bridge: str
    variables: dict[str, str] = field(default_factory=dict)

    def environ(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in _SYSTEM if name in os.environ}
        ours = {"HOME": str(self.home), "FEDBRIDGE_TOKEN_STORE": "file", "FEDBRIDGE_LANGUAGE": "en"}
        return kept | ours | self.variables

    @property
    def folder(self) -> Path:
        found = [path for path in (self.home / ".local/state/fedbridge").iterdir() if path.is_dir()]
        return found[0]

    def start(
        self, *words: str, variables: Mapping[str, str] | None = None, is_forked: bool = True
    ) -> subprocess.Popen[str]:
        """The command, running; its output in text pipes. Not forked, its own words are its command line."""
        return self.start_command([sys.executable, "-I", str(MAIN), *words], variables, is_forked=is_forked)

    def start_command(
        self, command: list[str], variables: Mapping[str, str] | None = None, *, is_forked: bool = True
    ) -> subprocess.Popen[str]:
        """Any command, in this person's environment and in a session without a terminal."""
        environ = self.environ() | dict(variables or {})
        pipe = subprocess.PIPE
        return begin(
            command, env=environ, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True,
            start_new_session=True, programs=OF_OURS if is_forked else (),
        )  # fmt: skip

    def run(self, *words: str, variables: Mapping[str, str] | None = None) -> tuple[int, str, str]:
        """Exit status, stdout and stderr of the command."""
        process = self.start(*words, variables=variables)
        out, words_told = process.communicate(timeout=120)
        return process.returncode, out, words_told


def with_terraform(folder: Path, sts: str) -> dict[str, str]:
    """Variables by which `terraform` is found: a stand-in that asks who it is, as Terraform does at its start.

    It finds its credentials as every AWS SDK does, and asks this STS.
    """
    folder.mkdir()
    text = "import sys, boto3; assert sys.argv[1:] == ['plan']; print(boto3.client('sts').get_caller_identity()['Arn'])"
    (folder / "terraform.py").write_text(text)
    (folder / "terraform").write_text(f"#!/bin/sh\nexec '{sys.executable}' -I '{folder}/terraform.py' \"$@\"\n")
    (folder / "terraform").chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "AWS_ENDPOINT_URL_STS": sts, "AWS_EC2_METADATA_DISABLED": "true"}


def is_at_a_lock(process: subprocess.Popen[str]) -> bool:
    """Whether it has the lock of an answer, or waits for it."""
    try:
        return any(str(one.readlink()).endswith("~lock") for one in Path(f"/proc/{process.pid}/fd").iterdir())
    except OSError:  # it closed a file meanwhile
        return False


def beside_the_grant(words: str) -> str:
    """What stderr tells beside the line with what was granted."""
    told = re.compile(r"\S.*/\S+: .*, until [0-9 :-]+(?: \(.*\))?")
    return "".join(line for line in words.splitlines(keepends=True) if not told.fullmatch(line.rstrip("\n")))


def told_code(process: subprocess.Popen[str]) -> str:
    """The user code that a device login tells on stderr."""
    return told(process, re.compile(r"^\s+([A-Z0-9]{4}-[A-Z0-9]{4})\s*$"))


def told_address(process: subprocess.Popen[str]) -> str:
    """The address that a browser login tells on stderr: who opens it is asked whose sign-in it was."""
    return told(process, re.compile(r"^(http\S+/oauth/authorize\S+)$"))


def opened_address(person: Person, process: subprocess.Popen[str]) -> str:
    """The address to which a browser login leads the browser of this computer, by its private file."""
    told_address(process)
    return address_in(next(person.home.glob("fedbridge-sign-in-*/sign-in.html")).read_text())


def address_in(page: str) -> str:
    """Where a page that redirects leads."""
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', page)
    assert found is not None, page
    return html.unescape(found[1])


def told(process: subprocess.Popen[str], pattern: re.Pattern[str]) -> str:
    """What the pattern's group finds in the next lines of stderr."""
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if match := pattern.match(line.rstrip("\n")):
            return match[1]
    raise AssertionError(f"nothing such was told: {''.join(seen)}")
