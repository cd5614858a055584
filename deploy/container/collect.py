"""Copies what the bridge needs to run into a folder that becomes the image, and nothing else.

Run by the bridge's own Python in the first stage of the Containerfile, as root: `collect.py FOLDER`. What goes along:
the interpreter, its standard library, the bridge with its libraries, the shared libraries that these load, CA
certificates and time zones. Shells, package managers, compilers and whatever else the base holds stay behind.
"""

from __future__ import annotations

import compileall
import os
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

BRIDGE = Path("/opt/federation-bridge")
STATE = Path("/var/lib/federation-bridge")
USER = 65532
PROGRAMS = {"python", "python3", "federation-bridge"}
"""What stays of the environment's programs: the libraries bring more, which nobody calls."""

NOT_OF_PYTHON = re.compile(
    r"^(ensurepip|idlelib|lib2to3|pydoc_data|site-packages|dist-packages|test|tkinter|turtledemo|config-.*)(/|$)"
    r"|^lib-dynload/(_tkinter|_curses|_curses_panel|readline|_dbm|_gdbm|nis|ossaudiodev|_test\w*|xxlimited\w*)\."
    r"|(^|/)(tests?|__pycache__)/"
)
"""Parts of the standard library that install, test, draw, or talk to a terminal or to old databases."""

FILES = [
    "/etc/ld.so.cache",
    "/etc/os-release",
    "/etc/ssl/certs/ca-certificates.crt",
    "/usr/lib/ssl/cert.pem",
    "/usr/lib/ssl/openssl.cnf",
]
WRITTEN = {
    "/etc/passwd": f"root:x:0:0:root:/:/nologin\nfederation-bridge:x:{USER}:{USER}::{STATE}:/nologin\n",
    "/etc/group": f"root:x:0:\nfederation-bridge:x:{USER}:\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}


class Image:
    """The folder that becomes the image."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.brought: set[Path] = set()
        """Files as they are called in the base, their links resolved."""

    def bring(self, path: Path) -> None:
        """Copies this file, and every link on the way to it as a link. Nothing where it is not there."""
        real = Path("/")
        for name in path.parts[1:]:
            step = real / name
            if step.is_symlink():
                target = Path(os.path.normpath(step.parent / step.readlink()))
                if target.exists():
                    self._link(step)
                    self.bring(target)
                real = step.resolve()
            else:
                real = step
        place = self.place(real)
        if real.is_file() and real not in self.brought:
            self.brought.add(real)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(real, place)
            # Nothing is setuid, and nobody but root may write.
            place.chmod(real.stat().st_mode & 0o755)

    def bring_folder(self, folder: Path, but: re.Pattern[str] | None = None) -> None:
        """Copies what lies below, but what this pattern finds in the path from the folder."""
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder).as_posix()
            if (path.is_file() or path.is_symlink()) and not (but and but.search(inside)):
                self.bring(path)

    def make(self, folder: Path | str, mode: int = 0o755, owner: int = 0) -> None:
        """A folder of the image's own."""
        place = self.place(Path(folder))
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(mode)
        os.chown(place, owner, owner)

    def write(self, path: str, text: str) -> None:
        """A file of the image's own."""
        place = self.place(Path(path))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        place.chmod(0o644)

    def place(self, path: Path) -> Path:
        """Where this path of the base lies now."""
        return self._root / path.relative_to("/")

    def _link(self, link: Path) -> None:
        place = self.place(link)
        if not place.is_symlink():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(link.readlink())


def bring_python(image: Image) -> None:
    """The interpreter, its library, and the bridge."""
    library = Path(sysconfig.get_path("stdlib"))
    image.bring_folder(library, but=NOT_OF_PYTHON)
    for program in (BRIDGE / "bin").iterdir():
        if program.name in PROGRAMS or program.name.startswith("python3."):
            image.bring(program)
    image.bring_folder(BRIDGE, but=re.compile(r"^(bin|include)/|__pycache__/"))
    # Once, and never asked again whether it still fits: nobody can write here.
    for folder in (library, BRIDGE):
        compileall.compile_dir(
            image.place(folder),
            quiet=1,
            stripdir=str(image.place(Path("/"))),
            prependdir="/",
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )


def bring_shared_libraries(image: Image) -> None:
    """What programs and extensions load from the base."""
    loading = [path for path in image.brought if path.read_bytes()[:4] == b"\x7fELF"]
    told = subprocess.run(["/usr/bin/ldd", *loading], capture_output=True, text=True, check=False).stdout
    for library in sorted(set(re.findall(r"(/\S+) \(0x", told))):
        # As the interpreter finds its own: /usr/local/bin/../lib/...
        image.bring(Path(os.path.normpath(library)))
    missing = re.findall(r"(\S+) => not found", told)
    if missing:
        sys.exit(f"collect.py: the base has no {', '.join(sorted(set(missing)))}")


def note_packages(image: Image) -> None:
    """Which Debian packages the files are of, with their licences: whoever looks for known weaknesses asks there."""
    records = Path("/var/lib/dpkg")
    status = (records / "status").read_text(encoding="utf-8") if (records / "status").exists() else ""
    entries = [entry for entry in status.split("\n\n") if entry.startswith("Package: ")]
    packages = {entry.partition("\n")[0].removeprefix("Package: "): entry for entry in entries}
    for listed in sorted((records / "info").glob("*.list")):
        files = {Path(line).resolve() for line in listed.read_text(encoding="utf-8").splitlines() if line}
        name = listed.stem.partition(":")[0]
        if name in packages and not files.isdisjoint(image.brought):
            image.write(f"/var/lib/dpkg/status.d/{name}", packages[name].strip() + "\n")
            image.bring(Path(f"/usr/share/doc/{name}/copyright"))


def main(root: Path) -> None:
    """Fills the folder."""
    image = Image(root)
    root.mkdir(mode=0o755)
    bring_python(image)
    bring_shared_libraries(image)
    for file in FILES:
        image.bring(Path(file))
    image.bring_folder(Path("/usr/share/zoneinfo"), but=re.compile(r"^(posix|right)/"))
    note_packages(image)
    for path, text in WRITTEN.items():
        image.write(path, text)
    for folder in ("/dev", "/etc/federation-bridge", "/proc", "/run/secrets", "/sys"):
        image.make(folder)
    image.make("/tmp", 0o1777)  # noqa: S108 - of the image
    image.make(STATE, 0o700, USER)


main(Path(sys.argv[1]))
