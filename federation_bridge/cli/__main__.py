"""`python -I .../cli/__main__.py`: the installation that this file belongs to, whatever else is installed."""

import sys


def _load_this_installation() -> None:
    from importlib.util import module_from_spec, spec_from_file_location  # noqa: PLC0415 - not when run as a module

    package = __file__.rpartition("cli")[0]
    place = package.rstrip("/\\")
    spec = spec_from_file_location("federation_bridge", package + "__init__.py", submodule_search_locations=[place])
    if spec is not None and spec.loader is not None:
        module = sys.modules["federation_bridge"] = module_from_spec(spec)
        spec.loader.exec_module(module)


if __name__ == "__main__":
    if not __package__:
        _load_this_installation()
    from federation_bridge.cli.entry import main

    sys.exit(main())
