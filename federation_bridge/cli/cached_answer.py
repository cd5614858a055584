"""The cached answer of `credential-process`, as fast as Python starts.

`fedbridge configure` writes a command that runs this very file with `python -I -S`: no site, no packages, only modules
that are built into the interpreter. A finished answer lies behind one line of four numbers:

    MADE_AT USABLE_UNTIL RENEW_AT EXPIRES      seconds since 1970 by this computer's clock
    {"Version": 1, ...}                what is printed
    {...}                              the same credentials for the other formats

Without an answer that still serves, the process becomes `fedbridge credential-process`.
"""

import sys
import time

if sys.platform == "win32":
    import nt as system
else:
    import posix as system

MOST_BYTES = 65_536
_FRESH = 60
"""Seconds for which a renewal that was begun is believed to be still at work."""
_CLOCK_STEP = 60
"""Seconds by which a clock may be set back without a thought."""


def finished(path: str, need: int, now: float) -> tuple[bytes, bool] | None:
    """The bytes to print and whether it is time to renew; None where no answer lies there that still serves.

    `need` is how many seconds the credentials must still last; 0 takes the answer's own measure. Where it leaves little
    of their life, half of that is for renewing ahead: else each answer would be due when it is made. A file that is not
    the person's alone is not believed: whoever planted credentials would receive what the person uploads with them.
    """
    found = stored(path)
    if found is None:
        return None
    (made_at, usable_until, renew_at, expires), text, _ = found
    if now < made_at - _CLOCK_STEP:
        # The clock went back since: by it the answer would serve long after its end.
        return None
    if need:
        ahead = min(usable_until - renew_at, (expires - need - made_at) // 2)
        usable_until, renew_at = expires - need, expires - need - ahead
    return (text + b"\n", now >= renew_at) if now < usable_until else None


def stored(path: str) -> tuple[tuple[int, int, int, int], bytes, bytes] | None:
    """The four instants, the answer and the full credentials of a cache file; None for any file not as we write it."""
    try:
        header, text, full = _private_bytes(path).split(b"\n")[:3]
        made_at, usable_until, renew_at, expires = (int(number) for number in header.split())
    except (OSError, ValueError):
        return None
    return ((made_at, usable_until, renew_at, expires), text, full) if text[-1:] == b"}" == full[-1:] else None


def _private_bytes(path: str) -> bytes:
    flags = system.O_RDONLY | getattr(system, "O_NOFOLLOW", 0) | getattr(system, "O_CLOEXEC", 0)
    handle = system.open(path, flags | getattr(system, "O_BINARY", 0))
    try:
        facts = system.fstat(handle)
        if sys.platform != "win32" and (facts.st_uid != system.geteuid() or facts.st_mode & 0o077):
            raise ValueError(path)
        return system.read(handle, MOST_BYTES)
    finally:
        system.close(handle)


def answer_path(folder: str, role: str) -> str:
    """Where the answer of `account/role` lies within the folder of a bridge."""
    return folder + "/answers/" + role.replace("/", "-")


def slow_command(folder: str, role: str, need: int) -> list[str]:
    """The command that asks the bridge: the same interpreter and the same installation as this file's."""
    main = __file__[: -len("cached_answer.py")] + "__main__.py"
    arguments = ["credential-process", "--folder", folder, "--role", role]
    return [sys.executable, "-I", main, *arguments, *(["--min-remaining", f"{need}s"] if need else [])]


def renew(path: str, command: list[str], now: float) -> None:
    """Starts `command` in the background, as a rule once for however many processes notice that it is time.

    It holds none of our descriptors: who reads our output waits for its end, not for the renewal's.
    """
    if sys.platform == "win32" or not _first_to_renew(path + "~renewing", now):
        return
    flags = [(0, system.O_RDONLY), (1, system.O_WRONLY), (2, system.O_WRONLY)]
    actions = [(system.POSIX_SPAWN_OPEN, number, "/dev/null", flag, 0) for number, flag in flags]
    try:
        system.posix_spawn(command[0], command, system.environ, file_actions=actions, setsid=True)
    except (OSError, NotImplementedError):
        return


def _first_to_renew(mark: str, now: float) -> bool:
    try:
        system.close(system.open(mark, system.O_CREAT | system.O_EXCL | system.O_WRONLY, 0o600))
    except FileExistsError:
        return _overdue(mark, now)
    except OSError:
        return False
    return True


def _overdue(mark: str, now: float) -> bool:
    """Whether the mark was left by a renewal that died; it is then ours.

    Two who find it at the same moment may both take it. The second asks AWS nothing: under the role's lock it finds the
    answer of the first.
    """
    try:
        if abs(now - system.stat(mark).st_mtime) < _FRESH:
            return False
        system.unlink(mark)
    except OSError:
        return False
    return _first_to_renew(mark, now)


def main() -> None:
    """`cached_answer.py FOLDER ACCOUNT/ROLE [SECONDS]`."""
    folder, role = sys.argv[1], sys.argv[2]
    need = int(sys.argv[3]) if sys.argv[3:] else 0
    path, now = answer_path(folder, role), time.time()
    found = finished(path, need, now)
    command = slow_command(folder, role, need)
    try:
        if found is not None:
            system.write(1, found[0])
    except OSError:
        # A full disk, a reader that has gone: the long way meets the same, and has words for it.
        found = None
    if found is None:
        system.execv(command[0], command)
    elif found[1]:
        renew(path, [*command, "--renew"], now)


if __name__ == "__main__":
    try:
        main()
    except Exception as failure:
        # An AWS tool shows this line. Whoever wrote the profile by hand can mend it; `fedbridge configure` does.
        system.write(2, f"fedbridge: {type(failure).__name__} in this profile: run fedbridge configure\n".encode())
        sys.exit(70)
