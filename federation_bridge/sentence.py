"""Sentences made for the log that people see too: English, and ready to be said in another language."""

from __future__ import annotations

from typing import Self


class Sentence(str):
    """An English sentence that remembers its template and its values.

    To the audit, the API and every comparison it is its English text. A page looks the template up in the reader's
    language and fills it with the same values, of which those that are sentences are said likewise.
    """

    __slots__ = ("template", "values")
    template: str
    values: dict[str, str]

    def __new__(cls, template: str, /, **values: str) -> Self:
        """The sentence; `template` names its values as `%(name)s`."""
        made = str.__new__(cls, template % values)
        made.template, made.values = template, values
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, str]]:
        """How copies are made: from template and values, as a text alone could not say."""
        return (self.template,), self.values
