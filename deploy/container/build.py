"""Builds the image: `make image`. Settings come by the environment, as the Makefile names them.

Packages come from where pip on this machine gets them: its registry, proxy and CA certificates are handed to the build
as secrets, which no layer of the image keeps.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TAG = "federation-bridge"
DEBIAN = "localhost/python-of-debian"
PACKAGES = "python3,python3-pip,ca-certificates,tzdata"
BUILDERS = ("podman", "buildah", "docker")
HANDED_ON = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "retries")
"""Settings of pip that say where packages come from; files of this machine are not reached by the build."""


def main() -> None:
    """Builds; the exit status is the builder's."""
    builder = os.environ.get("BUILDER") or next(filter(shutil.which, BUILDERS), None)
    if builder is None:
        sys.exit(f"none of {', '.join(BUILDERS)} is here: apt-get install podman")
    options = shlex.split(os.environ.get("OPTIONS", ""))
    base = os.environ.get("BASE", "")
    with tempfile.TemporaryDirectory() as made:
        if base == "debian":
            base_of_debian(builder, options, Path(made))
            base = DEBIAN
        version = re.search(r'__version__ = "(.*)"', (ROOT / "federation_bridge" / "__init__.py").read_text("utf-8"))
        told = {"BASE": base, "VERSION": version[1] if version else "", "REVISION": revision()}
        arguments = [word for name, value in told.items() if value for word in ("--build-arg", f"{name}={value}")]
        tags = [word for tag in ("latest", told["VERSION"]) for word in ("--tag", f"{TAG}:{tag}")]
        secrets = pip_of_this_machine(Path(made))
        build(builder, [*options, *arguments, *tags, *secrets, "--file", str(HERE / "Containerfile"), str(ROOT)])


def build(builder: str, words: list[str]) -> None:
    """Runs the builder, in Docker's format: the other one has no health checks."""
    kind = [] if builder == "docker" else ["--format", "docker"]
    done = subprocess.run([builder, "build", *kind, *words], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def base_of_debian(builder: str, options: list[str], folder: Path) -> None:
    """An image of Debian's own packages, where no registry of images is reached. Needs root, and mmdebstrap."""
    suite = os.environ.get("SUITE", "trixie")
    archive = folder / "base" / "base.tar"
    archive.parent.mkdir()
    path = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"
    words = ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", f"--include={PACKAGES}", suite, str(archive)]
    subprocess.run(words, check=True, env={**os.environ, "PATH": path})
    (archive.parent / "Containerfile").write_text("FROM scratch\nADD base.tar /\n")
    build(builder, [*options, "--tag", DEBIAN, "--file", str(archive.parent / "Containerfile"), str(archive.parent)])


def pip_of_this_machine(folder: Path) -> list[str]:
    """The builder's words that hand on where pip gets packages: secrets `pip` and `ca`."""
    asked = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    found = dict(re.findall(r"^(?:global|install|:env:)\.([\w-]+)='(.*)'$", listed, re.MULTILINE))
    lines = ["[global]"]
    for name in HANDED_ON:
        values = [word for word in found.get(name, "").split() if not word.startswith("file:")]
        lines += [f"{name} = {' '.join(values)}"] if values else []
    secrets = []
    if (bundle := found.get("cert")) and Path(bundle).is_file():
        lines.append("cert = /run/secrets/ca")
        secrets = ["--secret", f"id=ca,src={bundle}"]
    settings = folder / "pip.conf"
    settings.touch(0o600)
    settings.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [*secrets, "--secret", f"id=pip,src={settings}"]


def revision() -> str:
    """The commit, where this is a clone."""
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        asked = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    return ""


main()
