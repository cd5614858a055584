"""The image that `make image` built: `make try-image` starts it shut in, and looks at all that is in it."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from documents.blocks import ROOT
from documents.readme_files import three_files
from image_containers import IMAGE, USER, Podman, podman
from service_factories import Service, until

from federation_bridge import __version__

pytestmark = pytest.mark.image
_TOOLS = re.compile(
    r"(^|/)s?bin/(sh|bash|dash|busybox|apt(-get)?|dpkg|perl[\d.]*|pip[\d.]*|uv|gcc|cc|c\+\+|ld|as|make|curl|wget|su|sudo|mount"
    r"|chsh|passwd|login)$"
    r"|(^|/)(\.\w*history|pip\.conf|\.netrc|\.git)$"
    r"|/(site|dist)-packages/(pip|setuptools|wheel)(/|-)|/ensurepip/"
)
PAGE = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
_SERVER = (ROOT / "deploy" / "requirements" / "server.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def run() -> Iterator[Podman]:
    with podman() as found:
        yield found


@pytest.fixture(scope="module")
def files(run: Podman) -> dict[str, tarfile.TarInfo]:
    """Every file of the image."""
    return {name: member for name, (member, _) in _exported(run).items()}


_EXPORTED: dict[str, tuple[tarfile.TarInfo, bytes]] = {}


def _exported(run: Podman) -> dict[str, tuple[tarfile.TarInfo, bytes]]:
    if not _EXPORTED:
        saved = subprocess.run([*run.words, "save", IMAGE], capture_output=True, timeout=300, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(saved)) as archive:
            (listed,) = json.loads(_content(archive, archive.getmember("manifest.json")))
            for layer in listed["Layers"]:
                with tarfile.open(fileobj=io.BytesIO(_content(archive, archive.getmember(layer)))) as opened:
                    for member in opened:
                        _EXPORTED[member.name.removeprefix("./")] = member, _content(opened, member)
    return _EXPORTED


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member) if member.isfile() else None
    return file.read() if file else b""


# --------------------------------------------------------------------------------------------------- what is in it


def test_the_image_says_what_it_is_and_how_it_is_run(run: Podman) -> None:
    (found,) = json.loads(run("image", "inspect", IMAGE).stdout)
    config = found["Config"]
    assert (config["User"], config["Entrypoint"], config["Cmd"]) == (f"{USER}:{USER}", ["federation-bridge"], ["serve"])
    assert (config["StopSignal"], list(config["ExposedPorts"])) == ("SIGTERM", ["8400/tcp"])
    assert list(config["Volumes"]) == ["/var/lib/federation-bridge"]
    assert found["HealthCheck" if "HealthCheck" in found else "Healthcheck"]["Test"] == [
        "CMD",
        "federation-bridge",
        "healthy",
    ]
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert (labels["title"], labels["version"], labels["licenses"]) == ("federation-bridge", __version__, "Apache-2.0")
    assert re.fullmatch(r"[0-9a-f]{40}|unknown", labels["revision"])


def test_no_shell_no_installer_no_compiler_and_no_history_is_in_it(files: dict[str, tarfile.TarInfo]) -> None:
    assert [name for name in files if _TOOLS.search(name)] == []


def test_nothing_is_setuid_and_nobody_but_root_may_write(files: dict[str, tarfile.TarInfo]) -> None:
    plain = {name: member for name, member in files.items() if not member.issym() and name not in {"tmp", "tmp/"}}
    assert [name for name, member in plain.items() if member.mode & 0o6000] == []
    assert [name for name, member in plain.items() if member.mode & 0o022] == []
    owned = {name.rstrip("/"): oct(member.mode & 0o777) for name, member in plain.items() if member.uid != 0}
    assert owned == {"var/lib/federation-bridge": "0o700"}


def test_no_secret_and_no_address_of_a_registry_got_into_it(run: Podman) -> None:
    private = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}")
    told = subprocess.run(
        ["python3", "-m", "pip", "config", "list"], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    addresses = {one.encode() for one in re.findall(r"(?:https?|file)://[^\s']+", told)}
    contents = {name: content for name, (_, content) in _exported(run).items()}
    assert [name for name, content in contents.items() if private.search(content)] == []
    assert [name for name, content in contents.items() if any(one in content for one in addresses)] == []
    history = run("image", "history", "--no-trunc", "--format", "{{.CreatedBy}}", IMAGE).stdout
    assert [one for one in (*addresses, b"pip.conf", b"PRIVATE KEY") if one in history.encode()] == []


def _pinned() -> dict[str, str]:
    """What the lock file puts on Linux, in CPython's newest and oldest version alike or not."""
    return {
        name.lower(): version
        for name, version in re.findall(r"^([\w.-]+?)(?:\[[\w, -]+\])?==([\w.]+)", _SERVER, re.MULTILINE)
    }


def test_what_is_installed_is_locked(files: dict[str, tarfile.TarInfo]) -> None:
    found = {
        (match[1].replace("_", "-").lower(), match[2])
        for name in files
        if (match := re.search(r"/site-packages/([\w.]+)-([\w.]+)\.dist-info/RECORD$", name))
    }
    assert ("federation-bridge", __version__) in found
    locked = {(name.replace("_", "-").replace(".", "-"), version) for name, version in _pinned().items()}
    assert {(name.replace(".", "-"), version) for name, version in found} - locked == {
        ("federation-bridge", __version__)
    }


def test_the_image_carries_the_list_of_its_libraries(run: Podman) -> None:
    content = _exported(run)["opt/federation-bridge/sbom.cdx.json"][1]
    listed = json.loads(content)
    assert listed["bomFormat"] == "CycloneDX"
    assert {one["name"].lower(): one["version"] for one in listed["components"]} == _pinned()
    assert all(one.get("purl", "").startswith("pkg:pypi/") for one in listed["components"])


def test_debian_s_packages_are_listed_for_whoever_looks_for_known_weaknesses(run: Podman) -> None:
    entries = {name: content for name, (_, content) in _exported(run).items() if "/status.d/" in name}
    assert b"Package: libc6\n" in entries["var/lib/dpkg/status.d/libc6"]
    assert all(re.search(rb"^Version: ", content, re.MULTILINE) for content in entries.values())


def test_the_programs_that_templates_and_people_call_are_where_the_page_says(files: dict[str, tarfile.TarInfo]) -> None:
    programs = {name.rpartition("/")[2] for name in files if name.startswith("opt/federation-bridge/bin/")}
    assert {"federation-bridge", "python", "python3"} <= programs
    assert {one for one in programs if not one.startswith("python")} == {"federation-bridge"}
    assert "`/opt/federation-bridge/bin/python`" in PAGE


def test_the_image_is_as_small_as_the_page_says(files: dict[str, tarfile.TarInfo]) -> None:
    (told,) = re.findall(r"^\| size \| (\d+) MB", PAGE, re.MULTILINE)
    megabytes = sum(member.size for member in files.values()) / 1e6
    print(f"the image holds {megabytes:.0f} MB")  # noqa: T201 - told by `make try-image`
    assert megabytes < int(told) * 1.1


# -------------------------------------------------------------------------------------------------- how it is run


def _written(folder: Path, port: int) -> tuple[str, str]:
    """The README's files and an empty state, as volumes."""
    etc, state = folder / "etc", folder / "state"
    etc.mkdir()
    state.mkdir(mode=0o700)
    os.chown(state, USER, USER)
    serving = {"listen": f"127.0.0.1:{port}", "workers": 1}
    three_files(etc, data="/var/lib/federation-bridge", audit={"also_to": "nowhere"}, serving=serving)
    return f"{etc}:/etc/federation-bridge:ro", f"{state}:/var/lib/federation-bridge"


def _process(run: Podman, name: str) -> Path:
    (told,) = json.loads(run("container", "inspect", name).stdout)
    return Path(f"/proc/{told['State']['Pid']}")


def test_the_image_serves_shut_in_is_healthy_and_ends_when_it_is_told(
    run: Podman, tmp_path: Path, free_port: int
) -> None:
    etc, state = _written(tmp_path, free_port)
    name, log = f"fb-test-{free_port}", tmp_path / "log"
    service = Service(tmp_path, free_port)
    service.process = run.started(name, "--volume", etc, "--volume", state, log=log)
    try:
        until(lambda: service.process.poll() is not None or service.is_answering(), "never ready", within=120)
        assert service.process.poll() is None, log.read_text()
        assert (service.is_answering("/healthz"), service.is_answering("/readyz")) == (True, True)

        process = _process(run, name)
        status = dict(re.findall(r"^(\w+):\t(.*)$", (process / "status").read_text(), re.MULTILINE))
        assert (status["Uid"].split(), status["Gid"].split()) == ([str(USER)] * 4, [str(USER)] * 4)
        assert ({status[name] for name in ("CapEff", "CapPrm", "CapBnd")}, status["NoNewPrivs"]) == ({"0" * 16}, "1")
        assert status["NSpid"].split()[-1] == "1"
        mounts = [line.split() for line in (process / "mountinfo").read_text().splitlines()]
        assert {line[5].split(",")[0] for line in mounts if line[4] == "/"} == {"ro"}

        asking = ["exec", name, "federation-bridge", "healthy"]
        alive, ready = run(*asking), run(*asking, "--ready")
        assert (alive.returncode, ready.returncode) == (0, 0), alive.stderr + ready.stderr
        assert run("exec", name, "sh", "-c", "true").returncode != 0
        writing = run("exec", name, "python3", "-c", "open('/opt/federation-bridge/x', 'w')")
        assert (writing.returncode, "Read-only file system" in writing.stderr) == (1, True)

        assert {"bridge.db", "sealing.key"} <= {path.name for path in (tmp_path / "state").iterdir()}
        stopped = run("kill", "--signal", "TERM", name)
        assert stopped.returncode == 0, stopped.stderr
        assert service.process.wait(25) == 0, log.read_text()
    finally:
        run("rm", "--force", "--time", "0", name)
        service.process.wait(60)


def test_a_command_that_waits_ends_when_it_is_told_though_it_is_the_first_process(
    run: Podman, tmp_path: Path, free_port: int
) -> None:
    """`migrate` at a database that never says a word: the kernel would drop SIGTERM for process 1."""
    etc, state = _written(tmp_path, free_port)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        path = tmp_path / "etc" / "federation-bridge.yaml"
        settings = yaml.safe_load(path.read_text())
        settings["database"] = f"postgresql+psycopg://bridge@127.0.0.1:{silent.getsockname()[1]}/bridge"
        settings["rulebook"] = {"files_on_many_nodes": True}
        settings["keys"] = {"sealing_key": {"environment": "SEALING_KEY"}}
        path.write_text(yaml.safe_dump(settings))
        name, log = f"fb-test-{free_port}", tmp_path / "log"
        given = ["--volume", etc, "--volume", state, "--env", f"SEALING_KEY={'A' * 43}="]
        process = run.started(name, *given, "--", "migrate", log=log)
        try:
            silent.settimeout(60)
            with silent.accept()[0]:
                began = time.monotonic()
                assert run("kill", "--signal", "TERM", name).returncode == 0
                assert process.wait(60) == 128 + signal.SIGTERM, log.read_text()
                assert time.monotonic() - began < 10
        finally:
            run("rm", "--force", "--time", "0", name)
            process.wait(60)
