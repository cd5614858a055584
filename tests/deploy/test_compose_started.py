"""deploy/compose as containers: every service with its user, rights, networks, volumes and secrets, as the file says.

No registry of images is reached: in place of PostgreSQL's and nginx's images stand this machine's own programs, in a
container whose `/usr` is this machine's. `make try-image` runs it, for it needs the image of the bridge.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from absent_software import absent, program
from documents.blocks import ROOT, blocks
from documents.readme_files import three_files
from image_containers import IMAGE, Podman, podman
from service_factories import until

pytestmark = pytest.mark.image
NAME = "aws.example.com"
_PLAIN = ["--cgroups=disabled", "--no-healthcheck", "--log-driver", "none", "--read-only-tmpfs=false"]
_LIMITS = ["--ulimit", "nofile=16384:16384", "--ulimit", "nproc=4096:4096"]
_USERS = "root:x:0:0::/:/bin/sh\npostgres:x:999:999::/var/lib/postgresql:/bin/sh\nnginx:x:101:101::/:/bin/sh\n"
_AS_POSTGRESQL_S_IMAGE = """\
#!/bin/bash
# What PostgreSQL's image promises: makes the data once, runs what lies in the folder for that, and serves.
set -eu
export PGDATA=/var/lib/postgresql/data/made PGPASSWORD
PGPASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
unset POSTGRES_PASSWORD_FILE
options="-D $PGDATA -k /run/postgresql"
if [ ! -e $PGDATA ]; then
  initdb --username=postgres --pwfile=<(echo "$PGPASSWORD") $POSTGRES_INITDB_ARGS >/dev/null
  echo "host all all all scram-sha-256" >> $PGDATA/pg_hba.conf
  pg_ctl -w -o "-k /run/postgresql -c listen_addresses=''" start >/dev/null
  for file in /docker-entrypoint-initdb.d/*.sh; do "$file"; done
  pg_ctl -w -m fast stop >/dev/null
fi
unset PGPASSWORD
exec postgres $options -c listen_addresses='*'
"""


class Stack:
    """The file's services as containers."""

    def __init__(self, run: Podman, folder: Path) -> None:
        self._run = run
        self._folder = folder
        self._compose = folder / "deploy" / "compose"
        self._mark = f"fb-{secrets.token_hex(3)}"
        self._document: dict[str, Any] = yaml.safe_load((self._compose / "compose.yaml").read_text(encoding="utf-8"))
        self._hosts: dict[str, str] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def make_networks(self) -> None:
        """Those of the file but the outside, which nobody needs here; told as absent where they cannot be."""
        for name, network in self._document["networks"].items():
            words = ["--internal"] if (network or {}).get("internal") else []
            for config in (network or {}).get("ipam", {}).get("config", ()):
                words += ["--subnet", config["subnet"], "--gateway", config["gateway"]]
            made = self._run("network", "create", *words, f"{self._mark}-{name}")
            assert made.returncode == 0, made.stderr
        tried = self._run(
            "run", "--rm", *_PLAIN, *_LIMITS, "--network", f"{self._mark}-database", IMAGE, "--version"
        )  # fmt: skip
        if tried.returncode != 0:
            absent(f"networks for containers ({tried.stderr.strip()})", "apt-get install containernetworking-plugins")

    def start(self, name: str) -> None:
        """Starts the service, and waits as those do that depend on it."""
        service = self._document["services"][name]
        with self._log(name).open("wb") as log:
            words = [*self._run.words, "run", "--name", f"{self._mark}-{name}", *self._words(name, service)]
            self.processes[name] = subprocess.Popen(words, stdout=log, stderr=log)
        if service["restart"] == "no":
            assert self.processes[name].wait(120) == 0, self.said(name)
            return
        check = service["healthcheck"]["test"][1:]
        until(lambda: self._is_over(name) or self.ask(name, *check).returncode == 0, f"{name} is not healthy", 90)
        assert not self._is_over(name), self.said(name)
        told = self._run("container", "inspect", "--format", _ADDRESSES, f"{self._mark}-{name}").stdout.split()
        self._hosts[name] = told[-1]

    def ask(self, name: str, *command: str) -> subprocess.CompletedProcess[str]:
        """What this command says inside of the service."""
        return self._run("exec", f"{self._mark}-{name}", *command)

    def stop(self, name: str) -> int:
        """The exit status, after the signal of the file."""
        signal = self._document["services"][name].get("stop_signal", "SIGTERM")
        self._run("kill", "--signal", signal, f"{self._mark}-{name}")
        return self.processes[name].wait(60)

    def type(self, line: str) -> str:
        """Does what this line of `docker compose` asks for, and gives what it says; it has to succeed."""
        words, given, into = _redirected(line)
        assert words[:2] == ["docker", "compose"], line
        match [word for word in words[2:] if word not in {"--no-TTY", "--rm", "--no-deps", "--detach"}]:
            case ["exec", name, *command]:
                asked = ["exec", "--interactive", f"{self._mark}-{name}", *command]
            case ["run", name, *command]:
                service: dict[str, Any] = self._document["services"][name]
                chosen = service | ({"command": command} if command else {})
                asked = ["run", "--rm", *self._words(name, chosen)]
            case ["stop", name]:
                assert self.stop(name) == 0
                return ""
            case ["up"]:
                for name in [one for one in self.processes if one != "migrate" and self._is_over(one)]:
                    self._run("rm", f"{self._mark}-{name}")
                    self.start(name)
                return ""
            case _:
                raise AssertionError(line)
        content = (self._folder / given).read_bytes() if given else None
        done = subprocess.run([*self._run.words, *asked], input=content, capture_output=True, timeout=120, check=False)
        assert done.returncode == 0, (line, done.stderr.decode())
        if into:
            (self._folder / into).write_bytes(done.stdout)
        return done.stdout.decode(errors="replace")

    def said(self, name: str) -> str:
        """Its log."""
        return self._log(name).read_text(errors="replace")

    def remove(self) -> None:
        """Ends all, and leaves nothing."""
        for name, process in self.processes.items():
            self._run("rm", "--force", "--time", "0", f"{self._mark}-{name}")
            process.wait(60)
        self._run("network", "rm", *(f"{self._mark}-{name}" for name in self._document["networks"]))

    def _is_over(self, name: str) -> bool:
        return self.processes[name].poll() is not None

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _words(self, name: str, service: dict[str, Any]) -> list[str]:
        words = [*_PLAIN, *_LIMITS, "--read-only", "--user", service["user"]]
        words += [word for one in service["cap_drop"] for word in ("--cap-drop", one)]
        words += ["--security-opt", "no-new-privileges"]
        words += [word for key, value in service.get("environment", {}).items() for word in ("--env", f"{key}={value}")]
        words += [word for one in service.get("tmpfs", ()) for word in ("--tmpfs", one)]
        for secret in service.get("secrets", ()):
            file = self._compose / self._document["secrets"][secret]["file"]
            words += ["--volume", f"{file.resolve()}:/run/secrets/{secret}:ro"]
        for volume in service.get("volumes", ()):
            source, _, target = volume.partition(":")
            words += ["--volume", f"{self._source(source, service['user'])}:{target}"]
        networks = service["networks"] if isinstance(service["networks"], dict) else dict.fromkeys(service["networks"])
        for network, chosen in networks.items():
            words += ["--network", f"{self._mark}-{network}" + (f":ip={chosen['ipv4_address']}" if chosen else "")]
        hosts = self._hosts | {
            other: one["networks"]["inside"]["ipv4_address"]
            for other, one in self._document["services"].items()
            if "inside" in one["networks"] and other != name
        }
        words += [word for other, address in hosts.items() for word in ("--add-host", f"{other}:{address}")]
        if "federation-bridge" in service["image"]:
            return [*words, IMAGE, *service["command"]]
        return [*words, *self._of_this_machine(name, service)]

    def _source(self, source: str, user: str) -> Path:
        if source.startswith("."):
            return (self._compose / source).resolve()
        # An empty volume takes its owner from the image.
        made = self._folder / f"volume-{source}"
        if not made.exists():
            made.mkdir(mode=0o700)
            os.chown(made, *map(int, user.split(":")))
        return made

    def _of_this_machine(self, name: str, service: dict[str, Any]) -> list[str]:
        """A container of this machine's programs, for an image that is not reached."""
        users, entry = self._folder / "passwd", self._folder / "as-the-image"
        users.write_text(_USERS)
        entry.write_text(_AS_POSTGRESQL_S_IMAGE)
        entry.chmod(0o755)
        postgresql = max(Path("/usr/lib/postgresql").glob("*/bin"))
        given = {"/usr": "/usr", "/usr/bin": "/bin", users: "/etc/passwd", "/etc/ld.so.cache": "/etc/ld.so.cache"}
        words = [word for here, there in given.items() for word in ("--volume", f"{here}:{there}:ro")]
        words += ["--workdir", "/", "--env", f"PATH={postgresql}:/usr/sbin:/usr/bin", "--env", "PGHOST=/run/postgresql"]
        if name == "database":
            return [*words, "--volume", f"{entry}:/as-the-image:ro", "--entrypoint", "/as-the-image", IMAGE]
        program_, *arguments = service["entrypoint"]
        return [*words, "--entrypoint", program_, IMAGE, *arguments]


def _redirected(line: str) -> tuple[list[str], str, str]:
    """The words of a command, and from and to which file."""
    words, given, into = shlex.split(line), "", ""
    if words[-2] in {"<", ">"}:
        *words, sign, file = words
        given, into = (file, "") if sign == "<" else ("", file)
    return words, given, into


_ADDRESSES = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """All services, in the order in which they wait for each other."""
    for name, package in {"nginx": "nginx", "psql": "postgresql", "curl": "curl", "openssl": "openssl"}.items():
        program(name, f"apt-get install {package}")
    if not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        absent("PostgreSQL's own programs", "apt-get install postgresql")
    folder = tmp_path_factory.mktemp("compose")
    for part in ("compose", "postgresql"):
        ignored = shutil.ignore_patterns("secrets", "settings")
        shutil.copytree(ROOT / "deploy" / part, folder / "deploy" / part, ignore=ignored)
    compose = folder / "deploy" / "compose"
    subprocess.run([compose / "prepare.sh", NAME], timeout=60, check=True, capture_output=True)
    # The operator's edit: a connection that needs nobody.
    (folder / "readme").mkdir()
    shown = yaml.safe_load(three_files(folder / "readme").read_text())
    shutil.copyfile(folder / "readme" / "idp.xml", compose / "settings" / "idp.xml")
    settings = compose / "settings" / "federation-bridge.yaml"
    written = yaml.safe_load(settings.read_text()) | {"connections": shown["connections"]}
    settings.write_text(yaml.safe_dump(written))
    with podman() as run:
        started = Stack(run, folder)
        try:
            started.make_networks()
            for name in ("database", "migrate", "bridge", "proxy"):
                started.start(name)
            yield started
            # Each ends by itself when it is told, the bridge within the time that the file gives it.
            assert [started.stop(name) for name in ("proxy", "bridge", "database")] == [0, 0, 0]
        finally:
            started.remove()


def test_people_reach_the_bridge_through_the_proxy_by_the_certificate_that_was_made(stack: Stack) -> None:
    by_name = ["--cacert", "/run/secrets/tls-certificate", "--resolve", f"{NAME}:8443:127.0.0.1"]
    asked = stack.ask("proxy", "curl", "--silent", *by_name, f"https://{NAME}:8443/readyz")
    assert (asked.returncode, json.loads(asked.stdout or "{}").get("status")) == (0, "ready"), asked.stderr


def test_the_bridge_finds_nothing_wrong_in_its_container(stack: Stack) -> None:
    checked = stack.ask("bridge", "federation-bridge", "check")
    assert checked.returncode == 0, checked.stdout
    assert re.search(r"^ok +database: answers, may be written", checked.stdout, re.MULTILINE)


def test_a_service_sees_the_secrets_that_it_needs_alone(stack: Stack) -> None:
    seen = stack.ask("bridge", "python3", "-c", "import os; print(*sorted(os.listdir('/run/secrets')))")
    assert seen.stdout.split() == ["bridge-password", "sealing-key"]


def test_the_database_reaches_nobody_outside(stack: Stack) -> None:
    """Its network has no way out: no route, so that it fails at once and asks nobody."""
    routes = stack.ask("database", "cat", "/proc/net/route").stdout.splitlines()[1:]
    connects = stack.ask("bridge", "python3", "-c", "print(open('/proc/net/route').read())").stdout.splitlines()[1:]
    away = "00000000"
    assert [line for line in routes if line.split()[1:3] == [away, away] or line.split()[2] != away] == []
    assert [line for line in connects if line.split()[1:2] == [away]]


def test_a_dump_made_and_put_back_by_the_page_s_lines_brings_back_what_was(stack: Stack) -> None:
    shown = blocks()
    making, putting_back = (shown[f"docs/containers.md console {number}"].commands for number in (4, 5))
    assert making[:2] == ["umask 077", "export COMPOSE_FILE=deploy/compose/compose.yaml"]
    (dumping,) = making[2:]
    stack.type(dumping)
    asked = "docker compose exec bridge federation-bridge"
    stack.type(f"{asked} people block entra/ada --unseen --emergency --reason later")
    assert "entra/ada" in stack.type(f"{asked} people blocked")
    said = [stack.type(line) for line in putting_back]
    assert "kept out: nobody" in said[-1]
    (confirming,) = re.findall(r"restore --confirm (\S+)", said[-1])
    assert "Confirmed" in stack.type(f"{asked} restore --confirm {confirming} --reason restored")
    assert "entra/ada" not in stack.type(f"{asked} people blocked")
    assert stack.ask("bridge", "federation-bridge", "check").returncode == 0
