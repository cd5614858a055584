"""The real AWS CLI v2, unpacked from the development requirements, and runs of it that cannot leave this machine."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from absent_software import absent

_PACKAGE = "aws-cdk-asset-awscli-v2"
_LAYER = "package/lib/layer.zip"
_LONGEST_RUN = 60.0
_NOBODY = "http://127.0.0.1:9"


def aws_program() -> Path:
    """The program `aws`, unpacked once into the user's cache; a test that asks ends loudly where it is not there."""
    try:
        package = metadata.distribution(_PACKAGE)
    except metadata.PackageNotFoundError:
        absent(f"the Python package {_PACKAGE} (AWS CLI v2)", "install the development requirements: make test")
        raise
    place = _cache() / f"aws-cli-{package.version}"
    if not place.is_dir():
        (archive,) = (path for path in package.files or () if path.name.endswith(".jsii.tgz"))
        _unpack(Path(str(package.locate_file(archive))), place)
    (program,) = place.glob("awscli/v2/*/dist/aws")
    return program


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "federation-bridge-tests"


def _unpack(archive: Path, place: Path) -> None:
    """Beside its place first, then renamed: of several test processes the first one's folder stays."""
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=place.parent))
    try:
        with tarfile.open(archive) as outer, tempfile.TemporaryFile() as layer:
            inner = outer.extractfile(_LAYER)
            assert inner is not None
            shutil.copyfileobj(inner, layer)
            with zipfile.ZipFile(layer) as files:
                for entry in files.infolist():
                    _extract(files, entry, beside)
        beside.rename(place)
    except OSError:
        if not place.is_dir():
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _extract(files: zipfile.ZipFile, entry: zipfile.ZipInfo, beside: Path) -> None:
    """One file with its mode. The archive's links are shortcuts that nobody here needs; examples are for reading."""
    mode = entry.external_attr >> 16
    if stat.S_ISLNK(mode) or "/awscli/examples/" in entry.filename:
        return
    made = Path(files.extract(entry, beside))
    if made.is_file() and mode & stat.S_IXUSR:
        made.chmod(0o755)


@dataclass(frozen=True)
class Ran:
    """What a run gave."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.status == 0, self.err
        return json.loads(self.out)


@dataclass(frozen=True)
class AwsCli:
    """Runs `aws` against one address of this machine, from an empty home and with these credentials."""

    program: Path
    home: Path
    endpoint: str
    credentials: dict[str, str]

    def __call__(self, *words: str, by: dict[str, str] | None = None) -> Ran:
        """`by`: credentials as STS prints them, in place of its own."""
        known = self.credentials if by is None else by
        environment = {
            "HOME": str(self.home),
            "PATH": os.defpath,
            "AWS_CONFIG_FILE": str(self.home / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.home / "credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_PAGER": "",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": known["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": known["SecretAccessKey"],
            # Whatever would leave this machine ends at a port where nobody listens.
            "HTTP_PROXY": _NOBODY,
            "HTTPS_PROXY": _NOBODY,
            "NO_PROXY": "127.0.0.1",
        }
        if "SessionToken" in known:
            environment["AWS_SESSION_TOKEN"] = known["SessionToken"]
        command = [str(self.program), *words, "--endpoint-url", self.endpoint, "--output", "json"]
        ran = subprocess.run(
            command, env=environment, cwd=self.home, capture_output=True, text=True, timeout=_LONGEST_RUN, check=False
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)
