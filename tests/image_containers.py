"""Podman, as tests start it: shut in as docs/containers.md says; also where a machine's cgroups are of both kinds."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from absent_software import absent, program

IMAGE = "localhost/federation-bridge:latest"
USER = 65532
SHUT_IN = ["--read-only", "--read-only-tmpfs=false", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
"""Nothing to write to, and no right of the superuser."""
# No cgroup, no timer of systemd, no network of its own: a test asks for nothing that a sandbox may not have.
_PLAIN = ["--network", "host", "--cgroups=disabled", "--no-healthcheck", "--log-driver", "none"]
_LIMITS = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]
_BOTH_KINDS = Path("/sys/fs/cgroup/unified")
"""Where the new cgroups lie beside the old ones: crun then starts nothing. In a mount namespace of our own, they go."""


@dataclass(frozen=True)
class Podman:
    """The program, and where it is to be run."""

    words: tuple[str, ...]

    def __call__(self, *words: str | Path, within: float = 120) -> subprocess.CompletedProcess[str]:
        """Runs it to its end."""
        return subprocess.run([*self.words, *words], capture_output=True, text=True, timeout=within, check=False)

    def started(self, name: str, *words: str | Path, log: Path) -> subprocess.Popen[bytes]:
        """A container of the image in the foreground, shut in; `words`: options, `--`, the command."""
        options, command = list(words), list[str | Path]()
        if "--" in options:
            at = options.index("--")
            options, command = options[:at], options[at + 1 :]
        shut_in = [*SHUT_IN, *_PLAIN, *_LIMITS, "--rm", "--name", name]
        with log.open("ab") as output:
            return subprocess.Popen(
                [*self.words, "run", *shut_in, *options, IMAGE, *command], stdout=output, stderr=output
            )


@contextmanager
def podman() -> Iterator[Podman]:
    """Podman with the image that `make image` built; what is missing is told as `absent` says."""
    found = program("podman", "apt-get install podman crun")
    if os.geteuid() != 0:
        absent("root's rights, by which podman gives files to the image's user", "run this as root")
    holder: subprocess.Popen[bytes] | None = None
    prefix: tuple[str, ...] = ()
    if _BOTH_KINDS.is_mount():
        words = ["unshare", "--mount", "sh", "-c", f"umount {_BOTH_KINDS}; echo; exec cat"]
        holder = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert holder.stdout
        assert holder.stdout.readline() == b"\n"
        prefix = ("nsenter", "--target", str(holder.pid), "--mount")
    try:
        run = Podman((*prefix, found, "--cgroup-manager", "cgroupfs"))
        if run("image", "exists", IMAGE).returncode != 0:
            absent(f"the image {IMAGE}", "make image (or make image BASE=debian)")
        yield run
    finally:
        if holder:
            holder.communicate()
