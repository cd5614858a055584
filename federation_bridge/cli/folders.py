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
    home = environ.get("HOME") or os.path.expanduser("~")  # noqa: PTH111 - the same
    if sys.platform == "win32":
        return (environ.get("LOCALAPPDATA") or home + "\\AppData\\Local") + "\\fedbridge"
    if sys.platform == "darwin":
        return home + "/Library/Application Support/fedbridge"
    state = environ.get("XDG_STATE_HOME", "")
    return (state if state.startswith("/") else home + "/.local/state") + "/fedbridge"


def current_folder(environ: Mapping[str, str], bridge: str = "") -> str:
    """The folder of the bridge that this person uses; empty: none, or two that differ.

    That of `bridge` (a name or an address), else of FEDBRIDGE_BRIDGE or FEDBRIDGE_URL, else that of the last login.
    """
    place = root(environ)
    if bridge:
        return named_folder(place, bridge)
    address, named = environ.get("FEDBRIDGE_URL"), environ.get("FEDBRIDGE_BRIDGE")
    if address or named:
        found = {place + "/" + folder_name(address)} if address else set()
        found |= {named_folder(place, named)} if named else set()
        return found.pop() if len(found) == 1 else ""
    return _below(place, _first_line(place + "/current"))


def named_folder(place: str, name: str) -> str:
    """The folder of the bridge of this name or address, whether or not it is there; empty where it can be none."""
    if "://" in name:
        return place + "/" + folder_name(name)
    given = _first_line(place + "/names/" + name) if _PLAIN.issuperset(name) and name[:1] not in {"", "."} else ""
    found = [_below(place, folder) for folder in ([given] if given else [name, *map(folder_name, _addresses(name))])]
    return next((folder for folder in found if folder and os.path.isdir(folder)), found[0])  # noqa: PTH112 - as above


def _addresses(name: str) -> tuple[str, str]:
    """What a bridge without a name is called by, host and port, is the address of."""
    return f"https://{name}", f"http://{name}"


def shown_name(address: str) -> str:
    """What a bridge without a name is called by: its address without the scheme."""
    return address.partition("://")[2]


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:  # noqa: PTH123 - as at the top
            return file.read(300).strip()
    except OSError:
        return ""


def _below(place: str, name: str) -> str:
    plain = _PLAIN.issuperset(name.replace("+", "-").replace("=", "-")) and name[:1] not in {"", "."}
    return place + "/" + name if plain else ""


def folder_name(address: str) -> str:
    """A name for the bridge at this address: `https://aws.example.com:8443/x` becomes `aws.example.com+8443=x`.

    Different addresses have different names: an address holds neither `+` nor `=` (see `address.py`).
    """
    scheme, _, rest = address.rstrip("/").partition("://")
    name = "".join(char if char in _PLAIN else "=" if char == "/" else "+" for char in rest)
    return name if scheme == "https" else f"{scheme}++{name}"
