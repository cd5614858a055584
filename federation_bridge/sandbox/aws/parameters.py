"""Parameters of the query protocol, held to the service model's limits, refused in the words AWS has for all."""

from __future__ import annotations

import re
from collections.abc import Mapping

from federation_bridge.sandbox.aws.error_responses import constraint_failed, validation_error

_ARN = re.compile("[\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
POLICY = re.compile("[\t\n\r\x20-\xff]+")
_MEMBER = re.compile(r"[1-9][0-9]{0,3}")


class Parameters:
    """The fields of one call."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields

    def required(self, name: str, low: int = 1, high: int = 131_072, pattern: re.Pattern[str] | None = None) -> str:
        """A parameter that must be there, between `low` and `high` characters."""
        value = self.optional(name, low, high, pattern)
        if value is None:
            raise validation_error(
                f"1 validation error detected: Value null at '{_lower(name)}' failed to satisfy constraint: "
                "Member must not be null"
            )
        return value

    def optional(
        self, name: str, low: int = 1, high: int = 131_072, pattern: re.Pattern[str] | None = None
    ) -> str | None:
        """A parameter that may be absent; limits hold when it is there."""
        value = self._fields.get(name)
        if value is None:
            return None
        if len(value) < low:
            raise constraint_failed(value, _lower(name), f"Member must have length greater than or equal to {low}")
        if len(value) > high:
            raise constraint_failed(value, _lower(name), f"Member must have length less than or equal to {high}")
        if pattern is not None and not pattern.fullmatch(value):
            raise constraint_failed(
                value, _lower(name), f"Member must satisfy regular expression pattern: {pattern.pattern}"
            )
        return value

    def arn(self, name: str) -> str:
        """A required ARN."""
        return self.required(name, 20, 2048, _ARN)

    def members(self, name: str, *parts: str) -> list[tuple[str, ...]]:
        """The entries of a list: of `Tags`, "Key", "Value" the fields `Tags.member.N.Key` and `...Value`, by N."""
        prefix = f"{name}.member."
        numbers = {
            rest.split(".")[0] for rest in (key[len(prefix) :] for key in self._fields if key.startswith(prefix))
        }
        if any(not _MEMBER.fullmatch(number) for number in numbers):
            raise validation_error(f"{name} is not a list.")
        suffixes = [f".{part}" for part in parts] or [""]
        return [
            tuple(self._fields.get(f"{prefix}{number}{suffix}", "") for suffix in suffixes)
            for number in sorted(numbers, key=int)
        ]

    def tags(self) -> list[tuple[str, str]]:
        """The entries of `Tags`, in order: key and value."""
        return [(entry[0], entry[1]) for entry in self.members("Tags", "Key", "Value")]

    def texts(self, name: str, *part: str) -> tuple[str, ...]:
        """The entries of a list of single texts."""
        return tuple(entry[0] for entry in self.members(name, *part))


def _lower(name: str) -> str:
    # The service names SAMLAssertion `sAMLAssertion` and RoleArn `roleArn`.
    return name[:1].lower() + name[1:]
