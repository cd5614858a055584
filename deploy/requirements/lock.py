"""Makes the locked requirements: every version and hash, for all supported Pythons, with no addresses."""

import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent.parent
BUILD = "setuptools>=77\n"
FILES = {
    "server": ["--extra", "server"],
    "sandbox": ["--extra", "server", "--extra", "sandbox"],
    "development": ["--extra", "server", "--extra", "sandbox", "--group", "development"],
}
ALONE = ["aws_clients", "boto3_crt"]
# With extras as they are asked for: pip installs by hash only what is pinned under the name that is asked for.
OPTIONS = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-strip-extras", "--no-header"]
OPTIONS += ["--no-annotate"]


def main() -> None:
    """Writes one file for each way to install; the development one also holds what builds the package."""
    with tempfile.TemporaryDirectory() as folder:
        build = Path(folder) / "build.in"
        build.write_text(BUILD)
        for name, choice in FILES.items():
            sources = ["pyproject.toml", *([str(build)] if name == "development" else [])]
            command = [sys.executable, "-m", "uv", "pip", "compile", "--no-emit-index-url", "--quiet"]
            target = ["--output-file", str(FOLDER / f"{name}.txt")]
            subprocess.run([*command, *OPTIONS, *choice, *sources, *target], check=True, cwd=ROOT)
    # Installed without what they depend on: carriers that are never imported, and one library that needs nothing.
    for name in ALONE:
        single = ["--no-deps", str(FOLDER / f"{name}.in"), "--output-file", str(FOLDER / f"{name}.txt")]
        subprocess.run([*command, *OPTIONS, *single], check=True, cwd=ROOT)
    # The very versions that `make dist` builds with.
    image = [str(FOLDER / "image_build.in"), "--constraint", str(FOLDER / "development.txt")]
    subprocess.run([*command, *OPTIONS, *image, "--output-file", str(FOLDER / "image_build.txt")], check=True, cwd=ROOT)


main()
