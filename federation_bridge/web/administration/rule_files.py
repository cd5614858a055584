"""Files of rules in a browser: one more, another name, one less. It is one change, shown before it comes into force."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, request
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.errors import BadRequest, BridgeError, ConfigurationInvalid
from federation_bridge.rulebook.texts import Texts, WantedFile
from federation_bridge.web import forms
from federation_bridge.web.administration.drafts import (
    Draft,
    draft_in_force,
    meanwhile,
    note_refusal,
    outcome_of,
    problems_of,
    put_in_force,
    text_field,
    version_of,
)
from federation_bridge.web.administration.page import is_writable, page
from federation_bridge.web.going_on import AS_TYPED
from federation_bridge.web.guards import author, guarded

pages = Blueprint("administration_rule_files", __name__)

_EMPTY = "version: 1\n"
"""The least that a file of rules holds."""
_UNNAMED = "rules.yaml"
"""What is offered as the name of a text that is the only one, and so has none."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which files the form says that there shall be."""

    named: tuple[tuple[str, str], ...]
    """What each file is called so far, and what it shall be called."""
    gone: frozenset[str] = frozenset()
    """What those are called so far that shall go, with all of their rules."""
    new_name: str = ""
    new_text: str = _EMPTY
    reason: str = ""

    def texts(self, base: Texts) -> Texts:
        """The rules of these files; ConfigurationInvalid as `Texts.with_files`, and for a new file without a name."""
        if not self.new_name and self.new_text.strip() != _EMPTY.strip():
            raise ConfigurationInvalid("the new file needs a name")
        kept = [WantedFile(name, was=was) for was, name in self.named if was not in self.gone]
        return base.with_files([*kept, *([WantedFile(self.new_name, self.new_text)] if self.new_name else [])])


@pages.get("/administration/files")
@guarded(author)
def files() -> AnyResponse:
    """The files of the rules in force, to be named anew, taken out, or joined by another one."""
    draft = draft_in_force()
    return _page(draft, Asked(tuple((name, name or _UNNAMED) for name, _ in draft.texts.documents)))


@pages.post("/administration/files")
@guarded(author, goes_on=AS_TYPED)
def save() -> AnyResponse:
    """Looks at the files that there shall be, or puts them in force; what is wrong is shown, and stays as typed."""
    digest, is_saved = forms.one_field("base_digest", most=64), forms.one_field("do", most=16) == "save"
    base, asked = version_of(digest), _asked()
    if base is None:
        raise BadRequest("the version over which the change was made is not among the newest: open the page again")
    draft = Draft(Texts.from_kept(base.text), digest)
    if {was for was, _ in asked.named} != set(dict(draft.texts.documents)):
        # A file that the page left out would go, and nobody had said so.
        raise BadRequest("the files were sent in part, or are none of these rules: open the page again")
    try:
        wanted = draft.changed(asked.texts(draft.texts))
        return put_in_force(wanted) if is_saved else _page(draft, asked, outcome=outcome_of(wanted))
    except (BadRequest, ConfigurationInvalid) as refusal:
        note_refusal(refusal, is_saved=is_saved)
        return _page(draft, asked, refusal)


def _page(
    draft: Draft, asked: Asked, refusal: BridgeError | None = None, outcome: dict[str, object] | None = None
) -> AnyResponse:
    if refusal is not None:
        outcome = {"problems": problems_of(refusal), "meanwhile": meanwhile(draft.base_digest)}
    status, shown = 200 if refusal is None else 400, outcome or {}
    return page("files.html", status, draft=draft, asked=asked, is_writable=is_writable(), **shown)


def _asked() -> Asked:
    was, names, gone = (request.form.getlist(name) for name in ("was", "name", "gone"))
    if len(was) != len(names) or len(set(was)) != len(was) or not set(gone) <= set(was):
        raise BadRequest("the files were sent in part, or twice")
    named = tuple((old, forms.checked_text(name, "name", 128).strip()) for old, name in zip(was, names, strict=True))
    new_name, reason = forms.one_field("new_name", most=128).strip(), forms.one_field("reason", most=1_000)
    return Asked(named, frozenset(gone), new_name, text_field("new_text"), reason)
