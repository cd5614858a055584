"""How fast an AWS tool gets its credentials, beside the bare start of the same interpreter."""

from __future__ import annotations

import compileall
import json
import os
import subprocess
import tempfile
import time
import venv
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from federation_bridge.sandbox.company import open_company
from federation_bridge.sandbox.company_files import PRODUCTION
from federation_bridge.sandbox.scripted_user import ScriptedUser
from tests.cli_factories import Person, opened_address

CLI = Path(__file__).parent.parent.parent / "federation_bridge" / "cli"
ROLE = "111122223333/Developer"
_ROUNDS = 41


def rows() -> list[tuple[str, str]]:
    """What was measured, and the figures: medians of interleaved starts, bytecode compiled."""
    compileall.compile_dir(str(CLI.parent), maxlevels=0, quiet=2)
    compileall.compile_dir(str(CLI), maxlevels=0, quiet=2)
    with tempfile.TemporaryDirectory() as folder:
        place = _cached_answer(Path(folder) / "bridge")
        # A fresh environment: an editable install, or whatever else hooks into site, would slow the yardstick down and
        # flatter us.
        venv.create(Path(folder) / "venv", symlinks=True, with_pip=False)
        python = str(Path(folder) / "venv" / "bin" / "python")
        times = _interleaved(
            {
                "bare": [python, "-c", "pass"],
                "configured": [python, "-I", "-S", str(CLI / "cached_answer.py"), str(place), ROLE],
                "plain": [*_fedbridge(python), "credential-process", "--role", ROLE],
            },
            {**os.environ, "FEDBRIDGE_FOLDER": folder, "FEDBRIDGE_URL": ""},
        )
    bare = times["bare"]
    return [
        ("python -c pass", f"{bare * 1000:.1f} ms"),
        ("cached answer, the command that configure writes (at most 1.3x)", f"{times['configured'] / bare:.2f}x"),
        ("cached answer, plain fedbridge credential-process (at most 2x)", f"{times['plain'] / bare:.2f}x"),
        _storm(),
    ]


def _storm(processes: int = 200) -> tuple[str, str]:
    """How often AWS is asked when that many processes want one role at once, the cache empty."""
    with tempfile.TemporaryDirectory() as folder, open_company(Path(folder), in_this_process=True) as company:
        home = Path(folder) / "home"
        home.mkdir()
        person, scripted_user = Person(home, company.bridge), ScriptedUser(company, "ada")
        scripted_user.sign_in()
        login = person.start("login", person.bridge, "--browser", variables={"BROWSER": "/bin/true"})
        page = scripted_user.browser.open(opened_address(person, login))
        scripted_user.browser.submit(page, page.form("/oauth/authorize"), decision="allow")
        login.communicate(timeout=60)
        begun = time.perf_counter()
        started = [person.start("credential-process", "--role", f"{PRODUCTION}/Developer") for _ in range(processes)]
        answers = {process.communicate(timeout=300)[0] for process in started}
        seconds = time.perf_counter() - begun
        events = (company.folder / "audit.jsonl").read_text(encoding="utf-8")
    asked = events.count('"grant.redeemed"')
    what = f"{processes} processes at once, empty cache: STS calls, different answers, seconds"
    return what, f"{asked}, {len(answers)}, {seconds:.1f} s"


def _fedbridge(python: str) -> list[str]:
    """The installed command, held to this very tree."""
    script = "import sys; sys.path.insert(0, {root!r}); from federation_bridge.cli.entry import main; sys.exit(main())"
    return [python, "-c", script.format(root=str(CLI.parent.parent))]


def _cached_answer(place: Path) -> Path:
    answers = place / "answers"
    answers.mkdir(parents=True, mode=0o700)
    (place.parent / "current").write_text(place.name)
    now = int(datetime.now(UTC).timestamp())
    answer = {"Version": 1, "AccessKeyId": "ASIA" + "A" * 16, "SecretAccessKey": "s" * 40, "SessionToken": "t" * 900}
    path = answers / ROLE.replace("/", "-")
    path.write_text(f"{now} {now + 3000} {now + 2000} {now + 3600}\n{json.dumps(answer)}\n{{}}\n")
    path.chmod(0o600)
    return place


def _interleaved(commands: dict[str, list[str]], environ: dict[str, str]) -> dict[str, float]:
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(_ROUNDS):
        for name, command in commands.items():
            begun = time.perf_counter()
            found = subprocess.run(command, env=environ, capture_output=True, check=True)
            seconds[name].append(time.perf_counter() - begun)
            if name != "bare" and b"ASIA" not in found.stdout:
                raise RuntimeError(f"{name} did not answer from the cache: {found.stderr!r}")
    return {name: median(times) for name, times in seconds.items()}


if __name__ == "__main__":
    for what, figure in rows():
        print(f"{what:70} {figure}")  # noqa: T201 - its output
