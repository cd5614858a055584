"""docs/containers.md says what Containerfile, Makefile and compose file do."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml
from documents.blocks import ROOT, blocks
from documents.readme_files import three_files
from image_containers import SHUT_IN

from federation_bridge.settings import load_settings

PAGE = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
CONTAINERFILE = (ROOT / "deploy" / "container" / "Containerfile").read_text(encoding="utf-8")
BUILD = (ROOT / "deploy" / "container" / "build.py").read_text(encoding="utf-8")


def said(instruction: str) -> list[str]:
    """What stands behind this instruction, in the last stage."""
    return re.findall(rf"^{instruction} (.*)$", CONTAINERFILE.rpartition("\nFROM ")[2], re.MULTILINE)


def test_the_page_names_the_user_the_port_the_paths_and_the_signal_of_the_image() -> None:
    (user,), (port,), (volume,), (signal,) = said("USER"), said("EXPOSE"), said("VOLUME"), said("STOPSIGNAL")
    assert f"| user and group | {user.partition(':')[0]}, both" in PAGE
    assert f"| port | {port}:" in PAGE
    assert f"| writes to | `{volume}` alone" in PAGE
    assert f"| stop | {signal}," in PAGE
    (settings,) = re.findall(r"FEDERATION_BRIDGE_SETTINGS=(\S+)", CONTAINERFILE)
    assert f"| settings | `{settings}`" in PAGE


def test_the_page_names_the_base_and_all_that_make_image_takes() -> None:
    (base,) = re.findall(r"^ARG BASE=(\S+)$", CONTAINERFILE, re.MULTILINE)
    assert f"`{base}`" in PAGE
    asked = set(re.findall(r'environ\.get\("([A-Z]+)"', BUILD)) - {"PATH"}
    assert set(re.findall(r"`([A-Z]+)=`", PAGE)) == asked


def test_programs_are_started_without_a_shell() -> None:
    for instruction in ("ENTRYPOINT", "CMD"):
        assert [one for one in said(instruction) if not one.startswith("[")] == []
    assert "CMD [" in said("HEALTHCHECK")[0]


def test_libraries_are_installed_by_hash_and_as_wheels_only() -> None:
    installing = [line for line in CONTAINERFILE.splitlines() if re.search(r"pip .* install .*-r ", line)]
    assert installing
    assert all("--require-hashes --only-binary :all:" in line for line in installing)
    others = [line for line in CONTAINERFILE.splitlines() if re.search(r"pip .* (install|wheel) ", line)]
    assert all("--no-index" in line for line in others if line not in installing)


def test_what_is_handed_to_the_build_is_what_it_copies_and_nothing_else() -> None:
    handed = (ROOT / ".containerignore").read_text(encoding="utf-8")
    assert handed == (ROOT / "deploy" / "container" / "Containerfile.dockerignore").read_text(encoding="utf-8")
    lines = [line for line in handed.splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    copied = [
        one for words in re.findall(r"^COPY (?!--from)(.*) \S+$", CONTAINERFILE, re.MULTILINE) for one in words.split()
    ]
    assert sorted(line.removeprefix("!") for line in lines[1:] if line.startswith("!")) == sorted(copied)
    assert all((ROOT / one).exists() for one in copied)


def test_the_shown_settings_and_command_serve_the_readme_s_files_shut_in(tmp_path: Path) -> None:
    shown = yaml.safe_load(blocks()["docs/containers.md yaml 1"].text)
    settings = load_settings(three_files(tmp_path, **shown))
    (volume,), (port,) = said("VOLUME"), said("EXPOSE")
    assert (str(settings.data), settings.serving.listen) == (volume, f"0.0.0.0:{port}")
    running, checking = (shlex.split(one) for one in blocks()["docs/containers.md console 2"].commands)
    for word in SHUT_IN:
        assert word in running or word == "--read-only-tmpfs=false"
    assert running[running.index("--publish") + 1] == f"127.0.0.1:8400:{port}"
    mounted = [running[at + 1].split(":")[1] for at, word in enumerate(running) if word == "--volume"]
    assert mounted == ["/etc/federation-bridge", volume]
    stopping = settings.serving
    needed = (stopping.drain_time + stopping.shutdown_timeout).total_seconds() + 5
    assert int(running[running.index("--stop-timeout") + 1]) > needed
    assert running[-1] == checking[2] == "federation-bridge"
    assert checking[3:] == ["federation-bridge", "check"]


def test_the_shown_commands_of_compose_name_files_services_and_programs_that_are_there() -> None:
    preparing, *composing = (shlex.split(one) for one in blocks()["docs/containers.md console 3"].commands)
    assert (ROOT / preparing[1]).stat().st_mode & 0o100
    services = yaml.safe_load((ROOT / "deploy" / "compose" / "compose.yaml").read_text(encoding="utf-8"))["services"]
    for words in composing:
        assert words[:3] == ["docker", "compose", "--file"]
        assert (ROOT / words[3]).is_file()
    assert composing[0][4:] == ["up", "--detach"]
    assert composing[1][4:] == ["exec", "bridge", "federation-bridge", "check"]
    assert "bridge" in services


@pytest.mark.parametrize("name", ["POSTGRESQL_IMAGE", "PROXY_IMAGE", "BRIDGE_IMAGE", "HTTPS_PORT", "HTTP_PORT"])
def test_what_the_page_lets_an_operator_choose_stands_in_the_compose_file(name: str) -> None:
    assert f"`{name}`" in PAGE
    assert f"${{{name}:-" in (ROOT / "deploy" / "compose" / "compose.yaml").read_text(encoding="utf-8")
