"""`python -m tests.benchmarks.moto_server PORT`: moto's own server, as its command starts it."""

from __future__ import annotations

import sys
import types
import warnings

# moto's server imports it to answer browsers of other origins; nobody here asks for that, and it is not installed.
_cors = types.ModuleType("flask_cors")
_cors.CORS = lambda *_, **__: None  # type: ignore[attr-defined]
sys.modules.setdefault("flask_cors", _cors)

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    from moto.server import main

    main(["-H", "127.0.0.1", "-p", sys.argv[1]])
