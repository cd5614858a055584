"""Where things lie on this computer. Imports nothing heavy: the fast path of `credential-process` asks here too."""

import os
import sys
from collections.abc import Mapping

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def root(environ: Mapping[str, str]) -> str:
    r"""The folder of everything that `fedbridge` keeps: FEDBRIDGE_FOLDER, else the platform's own place.

    Linux: $XDG_STATE_HOME/fedbridge (~/.local/state/fedbridge); macOS: ~/Library/Application Support/fedbridge;
    Windows: %LOCALAPPDATA%\fedbridge.
    """
    if chosen := environ.get("FEDBRIDGE_FOLDER"):
        return os.path.abspath(chosen)  # noqa: PTH100 - pathlib costs what the cached answer takes in all
    home = environ.get("HOME") or os.path.expanduser("~")  # noqa: PTH111
    if sys.platform == "win32":
        return (environ.get("LOCALAPPDATA") or home + "\\AppData\\Local") + "\\fedbridge"
    if sys.platform == "darwin":
        return home + "/Library/Application Support/fedbridge"
    state = environ.get("XDG_STATE_HOME", "")
    return (state if state.startswith("/") else home + "/.local/state") + "/fedbridge"


def current_folder(environ: Mapping[str, str]) -> str:
    """The folder of the bridge that this person uses: FEDBRIDGE_URL's, else that of the last login; empty: none."""
    place = root(environ)
    if address := environ.get("FEDBRIDGE_URL"):
        return place + "/" + folder_name(address)
    try:
        with open(place + "/current", encoding="ascii", errors="replace") as file:  # noqa: PTH123
            name = file.read(300).strip()
    except OSError:
        return ""
    plain = _PLAIN.issuperset(name.replace("+", "-").replace("=", "-")) and name[:1] not in {"", "."}
    return place + "/" + name if plain else ""


def folder_name(address: str) -> str:
    """A name for the bridge at this address: `https://aws.example.com:8443/x` becomes `aws.example.com+8443=x`.

    Different addresses have different names: an address holds neither `+` nor `=` (see `address.py`).
    """
    scheme, _, rest = address.rstrip("/").partition("://")
    name = "".join(char if char in _PLAIN else "=" if char == "/" else "+" for char in rest)
    return name if scheme == "https" else f"{scheme}++{name}"
