"""Finds forms, links and readable words in a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin


@dataclass(frozen=True, slots=True)
class Form:
    """A form as a browser would send it: where to, how, and its fields with the values that they begin with."""

    action: str
    method: str
    fields: Mapping[str, str]
    buttons: tuple[tuple[str, str], ...]
    """Name and value of each button that has a name; only the pressed one is sent."""
    is_departing: bool
    """Marked (`data-departing`) as the form that a script of the page posts at once."""


@dataclass(frozen=True, slots=True)
class Markup:
    """What a page offers."""

    forms: tuple[Form, ...]
    links: tuple[str, ...]
    words: str
    by_id: Mapping[str, str]
    """The text of every element that has an id and nothing but text in it."""


def read_markup(url: str, html: str) -> Markup:
    """What the page at `url` offers; addresses in it are made absolute."""
    reader = _Reader(url)
    reader.feed(html)
    reader.close()
    forms = tuple(draft.finished() for draft in reader.drafts)
    return Markup(forms, tuple(reader.links), " ".join(reader.words), reader.by_id)


@dataclass(slots=True)
class _Draft:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    is_departing: bool = False

    def finished(self) -> Form:
        return Form(self.action, self.method, self.fields, tuple(self.buttons), self.is_departing)


class _Reader(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.drafts: list[_Draft] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.by_id: dict[str, str] = {}
        self._id = ""
        self._url = url
        self._open: _Draft | None = None
        self._by_id: dict[str, _Draft] = {}
        self._select = ""
        self._unread = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._id = values.get("id", "")
        if self._unread and tag != "template":
            return  # what a template holds is no part of the page
        if tag in ("script", "style", "title", "template"):
            self._unread += 1
        elif tag == "a" and "href" in values:
            self.links.append(urljoin(self._url, values["href"]))
        elif tag == "form":
            action = urljoin(self._url, values.get("action") or self._url)
            self._open = _Draft(action, values.get("method", "get").upper(), is_departing="data-departing" in values)
            self.drafts.append(self._open)
            self._by_id[self._id] = self._open
        elif tag == "button" and "formaction" in values:
            self._button_of_its_own(values)
        elif self._open is not None:
            self._control(self._open, tag, values)

    def _button_of_its_own(self, values: Mapping[str, str]) -> None:
        """A button that sends a form elsewhere is a form of its own to whoever presses it."""
        form = self._by_id.get(values["form"]) if "form" in values else self._open
        if form is not None:
            action = urljoin(self._url, values["formaction"])
            buttons = [(values["name"], values.get("value", ""))] if values.get("name") else []
            self.drafts.append(_Draft(action, form.method, form.fields, buttons))

    def handle_endtag(self, tag: str) -> None:
        self._id = ""
        if tag in ("script", "style", "title", "template"):
            self._unread -= 1
        elif tag == "form":
            self._open = None

    def handle_data(self, data: str) -> None:
        if self._id:
            self.by_id[self._id] = self.by_id.get(self._id, "") + data
        if not self._unread and data.strip():
            self.words.append(" ".join(data.split()))

    def _control(self, form: _Draft, tag: str, values: Mapping[str, str]) -> None:
        name, kind = values.get("name", ""), values.get("type", "").lower()
        if tag == "button" or (tag == "input" and kind in ("submit", "button")):
            if name:
                form.buttons.append((name, values.get("value", "")))
        elif tag == "input":
            self._input(form, name, kind, values)
        elif tag in ("select", "textarea"):
            self._select = name
            form.fields.setdefault(name, "")
        elif tag == "option" and ("selected" in values or not form.fields.get(self._select)):
            form.fields[self._select] = values.get("value", "")

    def _input(self, form: _Draft, name: str, kind: str, values: Mapping[str, str]) -> None:
        if kind in ("checkbox", "radio"):
            if "checked" in values and name:
                form.fields[name] = values.get("value", "on")
        elif name:
            form.fields[name] = values.get("value", "")
