"""A changed text on its way to a version: read from a page, looked at, compared, put in force."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import redirect, request
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.administration import preview
from federation_bridge.administration import rules as changes
from federation_bridge.administration.approvals import author_of
from federation_bridge.administration.people import identities_seen
from federation_bridge.administration.preview import Preview
from federation_bridge.administration.rules import Change, Outcome, Proposal
from federation_bridge.errors import (
    BadRequest,
    BridgeError,
    ChangedMeanwhile,
    ConfigurationInvalid,
    NotFound,
    mistakes_of,
)
from federation_bridge.mapping import RuleSet
from federation_bridge.model import RulebookVersion
from federation_bridge.rulebook.texts import Texts
from federation_bridge.web import findable, forms
from federation_bridge.web.administration.differences import Difference, cut, difference, first_line
from federation_bridge.web.administration.page import MOST_TEXT, asking, in_force, verbs
from federation_bridge.web.door import door
from federation_bridge.web.guards import rights

NAMES = ("rules", "accounts")
"""What a mistake calls the texts."""
_MOST_VERSIONS = 50
_MOST_LIVE = 400_000
"""Characters: what is longer is looked at when somebody asks for it, and not at each key."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A text that somebody works on, and the version over which they do."""

    texts: Texts
    base_digest: str
    is_base: bool = True
    """Nothing of it was changed yet: a page need not carry it."""
    file: str = ""
    """Which of several texts of rules they work on; "" where there is only one."""

    other_files: tuple[tuple[str, str], ...] = ()
    """Other texts of rules that were changed and are not in force yet, by name: a page carries them along."""

    @property
    def rules(self) -> str:
        """The text of rules that they work on."""
        return self.texts.document(self.file)

    def with_rules(self, written: str) -> Draft:
        """The same with another text of rules in the place of theirs."""
        return self.changed(self.texts.with_document(self.file, written))

    @property
    def is_live(self) -> bool:
        """Whether it is short enough to be looked at while somebody types."""
        return sum(len(text) for _, text in self.texts.documents) + len(self.texts.accounts) <= _MOST_LIVE

    def changed(self, texts: Texts) -> Draft:
        """The same with other texts."""
        return replace(self, texts=texts, is_base=self.is_base and texts == self.texts)


def draft_in_force(file: str = "") -> Draft:
    """What is in force, to be changed: the text of rules with this name, else the first. NotFound."""
    stands = door().store.rulebook_versions.in_force()
    if stands is None:
        return Draft(Texts("", ""), "")
    texts = Texts.from_kept(stands.text)
    if file and file not in dict(texts.documents):
        raise NotFound(f"the rules have no text {file!r}")
    return Draft(texts, stands.digest, file=file or texts.documents[0][0])


def draft_sent() -> Draft:
    """The draft that a page carries; BadRequest where it names a base that is not to be found, and carries no text."""
    digest, file = forms.one_field("base_digest", most=64), forms.one_field("file", most=128)
    version = version_of(digest)
    texts = None if version is None else Texts.from_kept(version.text)
    if texts is not None and file not in dict(texts.documents):
        # A page of a day when the rules were one text would else put that one in the place of all.
        raise BadRequest(f"the rules have no text {file!r}: open the one that is to be changed again")
    if "rules" in request.form:
        # Without its base a change is refused further on, with the one that is in force.
        changed = Texts("", "") if texts is None else texts
        rules = changed.with_document(file if texts else "", text_field("rules")).rules
        found = Texts(rules, text_field("accounts"))
        others = _other_files(file, found)
        for name, written in others:
            found = found.with_document(name, written)
        return Draft(found, digest, is_base=False, file=file if texts else "", other_files=others)
    if texts is None:
        raise BadRequest(
            "the version over which the change was made is not among the newest: begin with the one in force"
        )
    return Draft(texts, digest, file=file)


def in_another_file(draft: Draft, file: str) -> Draft:
    """The same draft, worked on in another text of the rules: what was typed goes along. NotFound."""
    if file not in dict(draft.texts.documents):
        raise NotFound(f"the rules have no text {file!r}")
    base = version_of(draft.base_digest)
    stands = dict(() if base is None else Texts.from_kept(base.text).documents)
    others = tuple((one, text) for one, text in draft.texts.documents if one != file and text != stands.get(one))
    return replace(draft, file=file, other_files=others)


def _other_files(file: str, texts: Texts) -> tuple[tuple[str, str], ...]:
    names, written = request.form.getlist("other_file"), request.form.getlist("other_text")
    known = {one for one, _ in texts.documents} - {file}
    if len(names) != len(written) or len(set(names)) != len(names) or not set(names) <= known:
        raise BadRequest("the other texts of the rules were sent in part, or twice, or are none of these rules")
    if sum(map(len, written)) > MOST_TEXT:
        raise BadRequest("the other texts of the rules are too long for a page")
    return tuple((name, text.replace("\r\n", "\n")) for name, text in zip(names, written, strict=True))


def version_of(digest: str) -> RulebookVersion | None:
    """The version with this digest, of the newest."""
    kept = door().store.rulebook_versions
    stands = kept.in_force()
    if stands is not None and stands.digest == digest:
        return stands
    known = next((one for one in kept.history(_MOST_VERSIONS) if one.digest == digest), None)
    return None if known is None else kept.version(known.number)


def problems_of(refusal: BridgeError) -> tuple[str, ...]:
    """Each thing that has to be mended."""
    return mistakes_of(refusal) if isinstance(refusal, ConfigurationInvalid) else (refusal.detail,)


def text_field(name: str) -> str:
    """A text as it was typed: forms send CR LF (HTML 4.10.22.6), and files of ours have LF."""
    values = request.form.getlist(name)
    if len(values) != 1 or len(values[0]) > MOST_TEXT:
        raise BadRequest(f"field {name} is missing, was sent twice or is too long")
    return values[0].replace("\r\n", "\n")


def proposed(draft: Draft) -> Proposal:
    """The draft as it would come into force; raises as `administration.rules.foresee`."""
    return changes.foresee(verbs(), draft.texts, replace(change_sent(), base_digest=draft.base_digest), NAMES)


def outcome_of(draft: Draft) -> dict[str, object]:
    """What a page shows of a draft that was looked at; raises as `proposed`."""
    proposal = proposed(draft)
    lines = difference(proposal.base, draft.texts.to_kept(), first_line())
    return {"preview": foreseen(proposal.rules), "because": proposal.because, "difference": lines}


def put_in_force(draft: Draft) -> AnyResponse:
    """The draft comes into force, or waits for a second person; raises as `administration.rules.apply`."""
    return told(changes.apply(verbs(), draft.texts, change_sent(), NAMES))


def change_sent() -> Change:
    """Who changes what, and why, as the form says it."""
    who, reason = asking(), forms.one_field("reason", most=1_000)
    return Change(author_of(who), reason, forms.one_field("base_digest", most=64), who, rights=rights())


def told(outcome: Outcome) -> AnyResponse:
    """On to the page of what became of a change."""
    where = f"versions/{outcome.number}" if outcome.number is not None else f"changes/{outcome.waits_as}"
    return redirect(f"/administration/{where}", code=303)


def meanwhile(base_digest: str) -> Difference | None:
    """What others changed since the text was opened, where another version is in force by now."""
    stands = door().store.rulebook_versions.in_force()
    if stands is None or stands.digest == base_digest:
        return None
    return difference(version_of(base_digest), stands.text, first_line())


def note_refusal(refusal: BridgeError, *, is_saved: bool) -> None:
    """Audits a refused save, and a refused *Check* that somebody pressed: they wanted what they may not, too.

    What is wrong with a text is none of that while it is only looked at, nor is what a page asks while somebody types:
    each key would leave an entry.
    """
    is_pressed = request.headers.get("Sec-Fetch-Dest", "document") == "document"
    if is_saved or (is_pressed and not isinstance(refusal, ConfigurationInvalid | ChangedMeanwhile)):
        findable.note(refusal)


def foreseen(rules: RuleSet) -> list[str]:
    """What these rules would change for those who were seen."""
    found: Preview = preview.preview(
        in_force(),
        rules,
        identities_seen(door().store, door().clock, door().settings.sessions.people_kept),
        door().clock(),
    )
    return cut(list(preview.lines_of(found)))
