"""What `doctor` looks at before any bridge is known: the release, where things are kept, the way out, files of AWS."""

from __future__ import annotations

import errno
import os
import platform
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from federation_bridge import __version__
from federation_bridge.cli import folders
from federation_bridge.cli.aws_config.files import (
    config_path,
    credentials_path,
    read_config,
    seen_in_config,
    seen_in_credentials,
    told_of,
)
from federation_bridge.cli.aws_config.neutral_profile import default_comes_first, sources_of_default
from federation_bridge.cli.failures import CommandFailed
from federation_bridge.cli.files import local_failure, private_folder
from federation_bridge.cli.http_client import authorities_of, check_proxy, trust
from federation_bridge.cli.i18n import say
from federation_bridge.cli.proxy import proxy_for
from federation_bridge.cli.session.token_store import FileStore, open_token_store

_SHADOWS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL")
CHOICES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
_TOLD = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_WEB_IDENTITY_TOKEN_FILE")
"""What `serve` and `web-identity` tell a shell."""


Finding = tuple[bool, str]


class Surroundings(Protocol):
    """What is there before any sign-in: a context of a bridge, or the invocation alone."""

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables of the process."""


def release(_: Surroundings) -> Iterator[Finding]:
    """Which release runs here: the first question of whoever helps."""
    yield (
        True,
        say("fedbridge {release} runs with Python {python}.", release=__version__, python=platform.python_version()),
    )


def keeping(context: Surroundings) -> Iterator[Finding]:
    """Where a session would be kept, found out before anybody signs in. Makes nothing."""
    root = Path(folders.root(context.environ))
    try:
        if root.exists():
            private_folder(root)
        elif not os.access(next(one for one in root.parents if one.exists()), os.W_OK | os.X_OK):
            raise local_failure(root, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
        store = open_token_store("doctor", root, context.environ)
    except CommandFailed as failure:
        yield False, failure.detail
        return
    if isinstance(store, FileStore):
        yield True, say("Sessions are kept in files below {path}, readable by you alone.", path=str(root))
    else:
        yield True, say("Sessions are kept in: {place}", place=store.place)


def way_out(context: Surroundings) -> Iterator[Finding]:
    """The proxy and the certificate authorities that a login will use."""
    try:
        # Which bridge it will be is not known yet: a host that no NO_PROXY names stands for it.
        proxy = proxy_for("https://aws.example.com")
        if proxy is not None:
            check_proxy(proxy)
            yield (
                True,
                say("Bridges are asked through the proxy {proxy}, unless NO_PROXY names them.", proxy=str(proxy)),
            )
        name, path = authorities_of(context.environ)
        if name:
            trust(context.environ)
            yield True, say("{name} names the certificate authorities: {path}", name=name, path=path)
    except CommandFailed as failure:
        yield False, failure.detail


def environment(context: Surroundings) -> Iterator[Finding]:
    """Variables that AWS tools take before any profile."""
    assumed = context.environ.get("FEDBRIDGE_ASSUMED_ROLE")
    if assumed:
        yield True, say("This shell has the role {role}. To leave it: fedbridge assume --unset", role=assumed)
    for name in _SHADOWS[-1:] if assumed else _SHADOWS:
        if context.environ.get(name):
            yield (
                False,
                say("{name} is set: AWS tools take it instead of your profiles. Unset it.", name=name),
            )


def default(context: Surroundings) -> Iterator[Finding]:
    """A [default] with credentials is allowed. It is wrong where AWS tools take it before what the shell was given."""
    told = any(context.environ.get(name) for name in _TOLD) and not any(context.environ.get(name) for name in CHOICES)
    try:
        for path in sources_of_default(context.environ):
            gives = say(
                "[default] of {path} gives credentials: AWS tools take them where no profile is named.", path=str(path)
            )
            yield not told, default_comes_first(path) if told else gives
    except CommandFailed as failure:
        yield False, failure.detail


def credentials_file(context: Surroundings) -> Iterator[Finding]:
    """A credentials file that AWS tools refuse as a whole."""
    try:
        path = credentials_path(context.environ)
        with told_of(path):
            seen_in_credentials(read_config(path))
    except CommandFailed as failure:
        yield False, failure.detail


def named_nothing(context: Surroundings) -> Iterator[Finding]:
    """Variables of files that are set and empty."""
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        if context.environ.get(name) == "":
            yield False, say("{name} is set to nothing: some AWS tools then read no file at all. Unset it.", name=name)


def config_file(context: Surroundings) -> Iterator[Finding]:
    """Before a login there are no profiles of ours to judge; that `configure` could not write is found out now."""
    try:
        path = config_path(context.environ)
        with told_of(path):
            count = len(seen_in_config(read_config(path)).profiles)
    except CommandFailed as failure:
        yield False, failure.detail
        return
    yield True, say("Profiles in {path}: {count}. fedbridge configure adds one per role.", path=str(path), count=count)


WITHOUT_A_BRIDGE: tuple[Callable[[Surroundings], Iterator[Finding]], ...] = (
    release,
    keeping,
    way_out,
    environment,
    named_nothing,
    default,
    config_file,
    credentials_file,
)
