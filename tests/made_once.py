"""What hundreds of tests would make anew, made once for the process: it is the same each time, and costs a third.

Nothing of ours is replaced: an application is still built whole by `create_app` for each test.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule


class _InMemory(BytecodeCache):
    """Compiled templates, by Jinja's own checksum of their source."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if (kept := self._kept.get(f"{bucket.key}{bucket.checksum}")) is not None:
            bucket.bytecode_from_string(kept)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[f"{bucket.key}{bucket.checksum}"] = bucket.bytecode_to_string()


_compiled: dict[Any, Callable[..., tuple[str, str]]] = {}
_compile_builder = Rule._compile_builder


def _compiled_once(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
    # The function that werkzeug compiles is made of these alone; converters it finds at the rule it is called with.
    if rule.defaults:
        return _compile_builder(rule, append_unknown)
    key = (rule.rule, tuple(rule._trace), append_unknown)
    if key not in _compiled:
        _compiled[key] = _compile_builder(rule, append_unknown)
    return _compiled[key]


def install() -> None:
    """To be called once, before any application is made."""
    flask.Flask.jinja_options = {**flask.Flask.jinja_options, "bytecode_cache": _InMemory()}
    Rule._compile_builder = _compiled_once  # type: ignore[assignment,method-assign]  # the same signature
    # No test speaks TLS to the internet: reading every authority of this machine takes longer than most tests.
    os.environ["SSL_CERT_FILE"] = os.devnull
    os.environ["SSL_CERT_DIR"] = os.devnull
