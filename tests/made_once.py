"""What hundreds of tests would make anew, made once for the process: it is the same each time, and costs a third.

An application is still built whole by `create_app` for each test. Of ours one thing is replaced: a new SQLite file gets
the tables that the real steps made for the first one. Tests of the steps themselves run them (`steps_are_run`).
"""

from __future__ import annotations

import copy
import functools
import itertools
import os
import sqlite3
import ssl
from collections.abc import Callable
from contextvars import ContextVar
from threading import Lock
from typing import Any, TypeVar

import botocore.loaders
import flask
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Connection
from werkzeug.routing import Rule

from federation_bridge.aws.sts_clients import RegionalClients
from federation_bridge.store import schema
from federation_bridge.store.statements import Statements


class _InMemory(BytecodeCache):
    """Compiled templates, by Jinja's own checksum of their source."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if (kept := self._kept.get(f"{bucket.key}{bucket.checksum}")) is not None:
            bucket.bytecode_from_string(kept)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[f"{bucket.key}{bucket.checksum}"] = bucket.bytecode_to_string()


# ------------------------------------------------------------------------------------------------------------- routes

_compile_rule = Rule.compile
_MADE = ("_parts", "_trace", "_converters", "arguments")
_rules: dict[Any, tuple[dict[str, Any], Any, Any]] = {}


def _compiled_once(rule: Rule) -> None:
    """What werkzeug makes of the text of a route: hundreds of routes are bound to each application."""
    where = rule.map
    if rule.defaults or where is None:
        _compile_rule(rule)
        return
    key = (rule.rule, rule.host, rule.subdomain, rule.merge_slashes, where.host_matching, *where.converters.values())
    if key not in _rules:
        _compile_rule(rule)
        made = {name: copy.copy(getattr(rule, name)) for name in _MADE}
        _rules[key] = (made, rule._build.__func__, rule._build_unknown.__func__)  # type: ignore[attr-defined]
        return
    made, build, build_unknown = _rules[key]
    for name, value in made.items():
        setattr(rule, name, copy.copy(value))
    rule._build, rule._build_unknown = build.__get__(rule, None), build_unknown.__get__(rule, None)


# ----------------------------------------------------------------------------------------------- tables of a new file

_upgrade = schema._upgrade
_filled = sqlite3.connect(":memory:", check_same_thread=False)
"""What the steps made of the first file."""
_filling = Lock()
_COUNTED = "SELECT count(*) FROM sqlite_master"


def _upgraded_once(connection: Connection) -> None:
    """Puts the pages of the first file into a new one, which SQLite does outside of a transaction alone."""
    if connection.dialect.name != "sqlite" or connection.exec_driver_sql(_COUNTED).scalar_one():
        _upgrade(connection)
        return
    driver: Any = connection.connection.dbapi_connection
    driver.commit()  # of nothing yet; and another thread that is here with the same file must not wait for this one
    with _filling:
        if not _filled.execute(_COUNTED).fetchone()[0]:
            driver.execute("BEGIN IMMEDIATE").close()
            _upgrade(connection)
            driver.commit()
            driver.backup(_filled)
        elif not driver.execute(_COUNTED).fetchone()[0]:
            _filled.backup(driver)
        driver.execute("BEGIN IMMEDIATE").close()


def steps_are_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of the steps: every new file is made by them."""
    monkeypatch.setattr(schema, "_upgrade", _upgrade)


# ---------------------------------------------------------------------------------------------------------- statements

_compile_statement = Statements._compile
_statements: dict[Any, Any] = {}


def _compiled_for_all(statements: Statements, statement: Any, names: tuple[str, ...]) -> Any:
    """What a store compiles when it first executes it. It hangs on the kind of database, the statement's own structure
    and the values that stand in it: stores of a kind share it.
    """
    structure = statement._generate_cache_key()
    if structure is None:
        return _compile_statement(statements, statement, names)
    key = (statements._dialect.name, structure.key, repr([bind.value for bind in structure.bindparams]), names)
    if key not in _statements:
        _statements[key] = _compile_statement(statements, statement, names)
    return _statements[key]


# ---------------------------------------------------------------------------------------------------------------- keys

_KEYS = 24
"""So many different keys of each size a process makes; then they come again. No test makes as many."""
_is_kept: ContextVar[bool] = ContextVar("is_kept", default=False)
_Made = TypeVar("_Made")

_generate = rsa.generate_private_key


@functools.cache
def _key(number: int, public_exponent: int, key_size: int) -> rsa.RSAPrivateKey:
    return _generate(public_exponent, key_size)


_numbers = itertools.count()


def _generated(public_exponent: int, key_size: int, backend: Any = None) -> rsa.RSAPrivateKey:
    if _is_kept.get():
        return _generate(public_exponent, key_size)
    return _key(next(_numbers) % _KEYS, public_exponent, key_size)


def kept(make: Callable[..., _Made]) -> Callable[..., _Made]:
    """Makes a key once for each name, and of all keys that come nowhere else.

    What is kept for the whole process would meet itself among those that come again: a stranger's key was the trusted
    one in one run of twenty-four.
    """

    @functools.cache
    def made(*name: Any) -> _Made:
        before = _is_kept.set(True)
        try:
            return make(*name)
        finally:
            _is_kept.reset(before)

    return functools.wraps(make)(made)


_load = serialization.load_pem_private_key


@functools.cache
def _loaded(data: bytes) -> Any:
    return _load(data, password=None)


def _loaded_once(data: bytes, password: bytes | None, backend: Any = None, **more: Any) -> Any:
    return _loaded(bytes(data)) if password is None and not more else _load(data, password, backend, **more)


_read = botocore.loaders.JSONFileLoader.load_file
_models: dict[str, Any] = {}


def _read_once(loader: botocore.loaders.JSONFileLoader, path: str) -> Any:
    """A model of an AWS service. botocore gives the same object to all clients of a loader as well."""
    if path not in _models:
        _models[path] = _read(loader, path)
    return _models[path]


_list_services = botocore.loaders.Loader.list_available_services
_services: dict[Any, Any] = {}


def _listed_once(loader: botocore.loaders.Loader, type_name: str) -> Any:
    """The services that have a model: botocore walks hundreds of folders for each session."""
    key = (*loader.search_paths, type_name)
    if key not in _services:
        _services[key] = _list_services(loader, type_name)
    return list(_services[key])


# ----------------------------------------------------------------------------------------------- authorities of the web

_make_tls = RegionalClients._tls
_of_the_web: list[ssl.SSLContext] = []


def _tls_once(clients: RegionalClients) -> ssl.SSLContext:
    """Where no bundle is set: a hundred and fifty certificates are read for each application."""
    if clients._outgoing.ca_bundle is not None:
        return _make_tls(clients)
    if not _of_the_web:
        _of_the_web.append(_make_tls(clients))
    return _of_the_web[0]


def install() -> None:
    """To be called once, before any application is made."""
    flask.Flask.jinja_options = {**flask.Flask.jinja_options, "bytecode_cache": _InMemory()}
    Rule.compile = _compiled_once  # type: ignore[assignment,method-assign]  # as it is called
    schema._upgrade = _upgraded_once
    Statements._compile = _compiled_for_all  # type: ignore[assignment,method-assign]  # as it is called
    rsa.generate_private_key = _generated
    serialization.load_pem_private_key = _loaded_once  # type: ignore[assignment]  # as it is called
    botocore.loaders.JSONFileLoader.load_file = _read_once  # type: ignore[assignment,method-assign]  # as it is called
    botocore.loaders.Loader.list_available_services = _listed_once  # type: ignore[assignment,method-assign]  # as it is called
    RegionalClients._tls = _tls_once  # type: ignore[assignment,method-assign]  # as it is called
    # No test speaks TLS to the internet: reading every authority of this machine takes longer than most tests.
    os.environ["SSL_CERT_FILE"] = os.devnull
    os.environ["SSL_CERT_DIR"] = os.devnull
