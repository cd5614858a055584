"""What a public forge and a release need: workflows, templates, subjects of commits, and the files of `make dist`."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from documents.blocks import blocks
from packaging.requirements import Requirement

from federation_bridge import __version__

ROOT = Path(__file__).parent.parent
FORGE = ROOT / ".github"
WORKFLOWS = sorted(FORGE.glob("workflows/*.yml"))
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)


def tracked() -> list[str]:
    """Every file of the project."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    return [name for name in listed.stdout.split("\0") if name]


def steps() -> list[dict[str, Any]]:
    """Every step of every workflow."""
    jobs = [job for path in WORKFLOWS for job in yaml.safe_load(path.read_text())["jobs"].values()]
    return [step for job in jobs for step in job["steps"]]


@pytest.fixture(scope="module")
def commit_subject() -> ModuleType:
    """The check of a commit message's subject, which lies outside of the packages."""
    found = importlib.util.spec_from_file_location("commit_subject", ROOT / ".ci" / "commit_subject.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_every_action_of_a_workflow_is_pinned_to_a_commit() -> None:
    # A tag can be moved by whoever takes over the action; a commit cannot.
    used = [step["uses"] for step in steps() if "uses" in step]
    assert used
    assert [use for use in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", use)] == []


def test_no_workflow_may_write_to_the_repository() -> None:
    assert [yaml.safe_load(path.read_text())["permissions"] for path in WORKFLOWS] == [{"contents": "read"}]


def test_workflows_make_what_the_makefile_knows() -> None:
    made = [word for step in steps() for word in re.findall(r"make ([a-z-]+)", step.get("run", ""))]
    assert {"lint", "test", "dist", "audit-dependencies"} <= set(made) <= set(TARGETS)


def test_software_that_the_forge_s_machine_lacks_is_told_and_fails_nothing() -> None:
    # A forge sets CI=true, by which `absent_software.absent` fails; the machine there has no Chromium of Debian's.
    (whole,) = (step["run"] for step in steps() if step.get("run", "").endswith("make test"))
    assert whole == "CI= make test"


def test_workflows_test_every_python_that_the_package_names() -> None:
    (workflow,) = (yaml.safe_load(path.read_text()) for path in WORKFLOWS)
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    pythons = [line.rpartition(" ")[2] for line in named if line.startswith("Programming Language :: Python :: 3.")]
    assert workflow["jobs"]["tests"]["strategy"]["matrix"]["python"] == pythons


@pytest.mark.parametrize("path", sorted(FORGE.rglob("*.yml")), ids=lambda path: path.name)
def test_every_file_of_the_forge_is_yaml(path: Path) -> None:
    assert yaml.safe_load(path.read_text())


def test_updates_are_proposed_for_every_list_of_requirements() -> None:
    proposed = yaml.safe_load((FORGE / "dependabot.yml").read_text())["updates"]
    folders = {folder for entry in proposed for folder in entry.get("directories", [entry.get("directory")])}
    found = subprocess.run(
        ["git", "ls-files", "*package-lock.json", "deploy/requirements/server.txt"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    ).stdout.split()  # fmt: skip
    assert {f"/{Path(path).parent}" for path in found} == folders - {"/"}


def test_hooks_before_a_commit_run_what_lint_runs() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    entries = " ".join(hook["entry"] for hook in hooks)
    assert [program for program in (".venv/bin/ruff check", ".venv/bin/mypy") if program not in entries] == []
    assert all(hook["language"] == "system" for hook in hooks)


@pytest.mark.parametrize(
    "subject",
    [
        "Store: keep the newest rules, however they come",
        "SAML, OIDC: one definition of a group",
        'Revert "Store: keep the newest rules"',
        "Store: " + "a" * 65,
    ],
)
def test_a_subject_that_names_its_part_is_taken(commit_subject: ModuleType, subject: str) -> None:
    assert commit_subject.fault(subject) is None


@pytest.mark.parametrize(
    "subject", ["", "wip", "x", "store: lower case", "Store: ends.", "Store: " + "a" * 66, "Store:"]
)
def test_a_subject_that_says_nothing_is_refused(commit_subject: ModuleType, subject: str) -> None:
    assert commit_subject.fault(subject)


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make dist` writes in a copy of the tracked files."""
    tree = tmp_path_factory.mktemp("release") / "tree"
    for name in tracked():
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    make = shutil.which("make")
    assert make is not None
    # The environment is made already; its marker must not look older than the copied lists.
    made = subprocess.run(
        [make, "--old-file", f"{ROOT}/.venv/installed", f"VENV={ROOT}/.venv", "dist"],
        cwd=tree, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    return tree / "dist"


def test_a_release_consists_of_the_files_that_its_page_names(dist: Path) -> None:
    files = {path.name: path.read_bytes() for path in dist.iterdir()}
    sums = {name: digest for digest, name in map(str.split, files.pop("SHA256SUMS").decode().splitlines())}
    assert sums == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    (wheel,) = dist.glob("*.whl")
    assert sorted(path.partition("-")[0] if path != wheel.name else "wheel" for path in files) == [
        "federation_bridge",
        "sbom.cdx.json",
        "server.txt",
        "wheel",
    ]
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    wanted = [path for path in tracked() if path.startswith("federation_bridge/")]
    assert sorted(set(wanted) - set(names)) == []


def pinned(lock: Path) -> set[str]:
    """Packages with their versions, and hashes."""
    text = re.sub(r"^([\w.-]+)\[[\w,. -]+\]==", r"\1==", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return set(re.findall(r"^[\w.-]+==[\w.]+|sha256:\w+", text, re.MULTILINE))


def test_a_release_is_installed_as_its_page_says(dist: Path, tmp_path: Path) -> None:
    """The page's commands, with a folder of the test for /opt, and without asking an index.

    As they stand they are part of docs/deployment.md as well, which `make walk` follows with one.
    """
    check, venv, libraries, package = blocks()["docs/releasing.md console 1"].commands
    checked = subprocess.run(shlex.split(check), cwd=dist, capture_output=True, text=True, timeout=60, check=False)
    assert checked.returncode == 0, checked.stdout
    walked = {line for name, block in blocks().items() if "deployment.md console" in name for line in block.commands}
    assert {check, venv, libraries, package} - walked == set()
    # `make` installs a list that holds all of this one, hashes and all; what needs more of a library names its extra.
    assert libraries.split()[2:] == ["--require-hashes", "-r", "server.txt"]
    installed = pinned(ROOT / "deploy" / "requirements" / "development.txt")
    assert sorted(pinned(dist / "server.txt") - installed) == []
    assert (dist / package.split()[-1]).is_file()
    words = [*package.split()[1:], "--no-index", "--quiet", "--target", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "pip", *words], cwd=dist, timeout=60, check=True)
    said = subprocess.run(
        [sys.executable, "-m", "federation_bridge.operate", "--version"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert said.stdout == f"federation-bridge, version {__version__}\n"


def test_the_readme_installs_from_the_list_with_hashes() -> None:
    (_, libraries, package) = blocks()["README.md console 2"].commands
    assert libraries.split()[2:] == ["--require-hashes", "-r", "deploy/requirements/server.txt"]
    assert (ROOT / libraries.split()[-1]).is_file()
    assert package.split()[-2:] == ["--no-deps", "."]


@pytest.mark.parametrize("name", ["server", "sandbox", "development"])
def test_what_is_asked_for_with_an_extra_is_pinned_with_it(name: str) -> None:
    """By hash pip installs only what is pinned under the name that is asked for: else a fresh machine refuses."""
    lock = (ROOT / "deploy" / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    pinned = re.findall(r"^([\w.-]+)(?:\[([\w,. -]+)\])?==", lock, re.MULTILINE)
    pinned_extras = {(package, extra) for package, extras in pinned for extra in re.split(", ?", extras)}
    missing = []
    for package, _ in pinned:
        try:
            needs = [Requirement(one) for one in distribution(package).requires or ()]
        except PackageNotFoundError:  # of another platform
            continue
        for need in needs:
            if need.extras and (need.marker is None or need.marker.evaluate({"extra": ""})):
                missing += [str(need) for extra in need.extras if (need.name.lower(), extra) not in pinned_extras]
    assert missing == []
