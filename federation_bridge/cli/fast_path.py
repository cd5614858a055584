"""The fast path of `fedbridge credential-process`: the cached answer, found with nothing but `os`.

Takes only what `configure` and a careful person write (`--role ACCOUNT/ROLE`, account by number); anything else takes
the ordinary way, which caches just the same.
"""

import os
import time

from federation_bridge.cli import cached_answer
from federation_bridge.cli.folders import current_folder

_ACCOUNT_DIGITS = 12


def fast_answer(arguments: list[str]) -> bool:
    """Prints the cached answer; False where there is none, or where the arguments want more than the cache."""
    named = dict(zip(arguments[::2], arguments[1::2], strict=False))
    role = named.get("--role", "")
    if len(arguments) % 2 or set(named) - {"--role", "--folder", "--bridge"} or not _plain(role):
        return False
    folder = named.get("--folder") or current_folder(os.environ, named.get("--bridge", ""))
    if not folder:
        return False
    path, now = cached_answer.answer_path(folder, role), time.time()
    found = cached_answer.finished(path, 0, now)
    if found is None:
        return False
    try:
        os.write(1, found[0])
    except OSError:
        # The ordinary way meets the same, and has words for it.
        return False
    if found[1]:
        cached_answer.renew(path, [*cached_answer.slow_command(folder, role, 0), "--renew"], now)
    return True


def _plain(role: str) -> bool:
    account, _, name = role.partition("/")
    digits = len(account) == _ACCOUNT_DIGITS and account.isascii() and account.isdigit()
    return digits and bool(name) and "/" not in name and "\\" not in name and name[0] != "."
