"""Secrets: the settings name where one lies, and it is read when it is used first."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import PrivateAttr, model_validator

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.file_owners import this_user
from federation_bridge.private_files import check_private
from federation_bridge.settings.values import Section

_LONGEST_SECRET = 100_000


class Secret(Section):
    """Where a secret lies: a file, or an environment variable. Read when it is used first, never printed."""

    file: Path | None = None
    """The file that holds it."""
    environment: str | None = None
    """The environment variable that holds it."""
    _setting: str = PrivateAttr(default="")

    @model_validator(mode="after")
    def _one_place(self) -> Secret:
        if (self.file is None) == (self.environment is None):
            raise ValueError("a secret lies in either `file` or `environment`")
        return self

    def named(self, setting: str) -> Secret:
        """The same, which knows what names it: a refusal tells that, too."""
        named = self.model_copy()
        named._setting = setting  # noqa: SLF001 - one of our own
        return named

    def read(self) -> str:
        """The secret's text without the final line break.

        ConfigurationInvalid where it is not there, or in a file that others can read.
        """
        try:
            return self._text()
        except ConfigurationInvalid as refusal:
            raise ConfigurationInvalid(f"{self._setting}: {refusal.detail}".removeprefix(": ")) from None

    def _text(self) -> str:
        if self.environment is not None:
            value = os.environ.get(self.environment, "")
        else:
            try:
                value = _read_private(Path(str(self.file)))
            except OSError as problem:
                by = f" by {this_user()}" if isinstance(problem, PermissionError) else ""
                told = f"the secret file {self.file} cannot be read{by}: {problem.strerror}"
                raise ConfigurationInvalid(told) from None
            except UnicodeDecodeError:
                raise ConfigurationInvalid(f"the secret file {self.file} is no text in UTF-8") from None
        if not value.strip():
            if self.environment is None:
                raise ConfigurationInvalid(f"the secret file {self.file} is empty")
            what = "empty" if self.environment in os.environ else "not set for this process"
            raise ConfigurationInvalid(f"the environment variable {self.environment}, which holds a secret, is {what}")
        return value.rstrip("\r\n")


def _read_private(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        check_private(path, os.fstat(file.fileno()), "the secret file")
        return file.read(_LONGEST_SECRET)
