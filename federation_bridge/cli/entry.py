"""The entry of `fedbridge`: answers `credential-process` from the cache before anything else is imported."""

import sys


def main(arguments: list[str] | None = None) -> int:
    """Runs one command line; the exit status."""
    asked = sys.argv[1:] if arguments is None else arguments
    if asked[:1] == ["credential-process"]:
        from federation_bridge.cli.fast_path import fast_answer  # noqa: PLC0415 - every import is paid by every AWS call

        if fast_answer(asked[1:]):
            return 0
    from federation_bridge.cli.program import run, stop_in_order  # noqa: PLC0415

    stop_in_order()
    return run(asked)
