"""The entry of `fedbridge`: the name is kept for the person's command; this release signs people in by browser only."""

from __future__ import annotations

import sys

from federation_bridge import __version__


def main(arguments: list[str] | None = None) -> None:
    """Says which release this is; exit status 2 for anything else, with where to go instead."""
    asked = sys.argv[1:] if arguments is None else arguments
    if asked == ["--version"]:
        sys.stdout.write(f"fedbridge {__version__}\n")
        return
    sys.exit("fedbridge cannot sign in from a terminal in this release; open the bridge's address in a browser.")
