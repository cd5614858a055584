"""The entry of `fedbridge`: answers `credential-process` from the cache before anything else is imported."""

import sys


def main(arguments: list[str] | None = None) -> int:
    """Runs one command line; the exit status. What nobody foresaw is told in one sentence, without a traceback."""
    asked = sys.argv[1:] if arguments is None else arguments
    try:
        return _run(asked)
    except Exception as failure:
        from federation_bridge.cli.last_net import caught  # noqa: PLC0415 - every import is paid by every AWS call

        return caught(failure, asked)


def _run(asked: list[str]) -> int:
    if asked[:1] == ["credential-process"]:
        from federation_bridge.cli.fast_path import fast_answer  # noqa: PLC0415 - every import is paid by every AWS call

        if fast_answer(asked[1:]):
            return 0
    from federation_bridge.cli.last_net import catch_threads  # noqa: PLC0415 - not on the fast path
    from federation_bridge.cli.program import run, stop_in_order  # noqa: PLC0415 - as above

    stop_in_order()
    catch_threads(asked)
    return run(asked)
