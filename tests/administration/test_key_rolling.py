"""Our keys roll without an outage: published before they sign, kept until nothing that they signed is alive."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.hashes import SHA256
from databases import HeldClock, OwnDatabase
from documents.blocks import ROOT
from lxml import etree
from web_factories import ACCOUNT, write_files

from federation_bridge import system_clock
from federation_bridge.administration import keys as verbs
from federation_bridge.administration.keys import Keys
from federation_bridge.aws import issuer
from federation_bridge.errors import BadRequest, Unavailable
from federation_bridge.notices import SealedKeysAndNotices
from federation_bridge.operate.commands import commands
from federation_bridge.signing import KeyRing, Purpose
from federation_bridge.store import Store

SEALING_KEY = bytes(range(32))
HOUR = timedelta(hours=1)


class Node:
    """One process: a ring on a store of its own, whose next look is a matter of the test."""

    def __init__(self, store: Store, clock: HeldClock) -> None:
        self.store, self.clock, self.now = store, clock, 0.0
        self.ring = KeyRing(SEALING_KEY, SealedKeysAndNotices(store.sealed_keys, clock), clock, "bridge.example.com")
        self.ring._monotonic = lambda: self.now

    def look(self) -> None:
        """Lets the seconds pass after which a process looks again."""
        self.now += 6

    @property
    def keys(self) -> Keys:
        return Keys(self.ring, self.store.sealed_keys, self.clock)

    def kids(self, purpose: Purpose) -> list[str]:
        return [key.kid for key in self.ring.all(purpose)]

    def events(self) -> list[str]:
        return [entry.event for entry in self.store.audit.entries()]


@pytest.fixture
def nodes(own_database: OwnDatabase, clock: HeldClock) -> tuple[Node, Node]:
    one, other = Node(own_database.open(), clock), Node(own_database.open(), clock)
    for node in (one, other):
        node.ring.current(Purpose.AWS_OIDC)
        node.ring.current(Purpose.AWS_SAML)
    return one, other


def test_a_new_key_is_published_at_once_and_signs_when_its_time_has_come(nodes: tuple[Node, Node]) -> None:
    one, other = nodes
    (old,) = other.kids(Purpose.AWS_OIDC)
    new = verbs.rotate(one.keys, Purpose.AWS_OIDC).kid
    for node in nodes:
        node.look()
        assert node.kids(Purpose.AWS_OIDC) == [old, new]
        assert [key["kid"] for key in issuer.jwks(node.ring)["keys"]] == [old, new]
    one.clock.advance(HOUR - timedelta(seconds=1))
    assert other.ring.current(Purpose.AWS_OIDC).kid == old
    one.clock.advance(timedelta(seconds=1))
    # Without a look: the time was known.
    assert other.kids(Purpose.AWS_OIDC) == [new, old]
    assert one.events()[0] == "key.made"


def test_a_key_that_somebody_has_to_carry_to_aws_signs_only_at_an_operators_word(nodes: tuple[Node, Node]) -> None:
    one, other = nodes
    (old,) = one.kids(Purpose.AWS_SAML)
    new = verbs.rotate(one.keys, Purpose.AWS_SAML).kid
    one.clock.advance(timedelta(days=400))
    for node in nodes:
        node.look()
    assert other.kids(Purpose.AWS_SAML) == [old, new]
    published = etree.fromstring(issuer.saml_metadata(other.ring, "https://b/saml", "https://bridge.example.com"))
    assert len(published.findall(".//{*}KeyDescriptor")) == 2
    assert verbs.use(one.keys, Purpose.AWS_SAML).kid == new
    other.look()
    assert other.kids(Purpose.AWS_SAML) == [new, old]
    assert one.events()[0] == "key.used"


def test_an_old_key_is_kept_as_long_as_what_it_signed_may_be_alive(nodes: tuple[Node, Node]) -> None:
    one, other = nodes
    (old,) = one.kids(Purpose.AWS_OIDC)
    new = verbs.rotate(one.keys, Purpose.AWS_OIDC).kid
    with pytest.raises(BadRequest, match="no old aws-oidc key"):
        verbs.retire(one.keys, Purpose.AWS_OIDC)
    one.clock.advance(2 * HOUR - timedelta(seconds=1))
    with pytest.raises(BadRequest, match="may be alive until"):
        verbs.retire(one.keys, Purpose.AWS_OIDC)
    one.clock.advance(timedelta(seconds=1))
    assert [key.kid for key in verbs.retire(one.keys, Purpose.AWS_OIDC)] == [old]
    other.look()
    assert other.kids(Purpose.AWS_OIDC) == [new]
    assert one.events()[0] == "key.retired"


def test_one_new_key_waits_at_a_time_and_none_is_used_twice(nodes: tuple[Node, Node]) -> None:
    one, _ = nodes
    with pytest.raises(BadRequest, match="no new aws-saml key waits"):
        verbs.use(one.keys, Purpose.AWS_SAML)
    verbs.rotate(one.keys, Purpose.AWS_SAML)
    with pytest.raises(BadRequest, match="waits already"):
        verbs.rotate(one.keys, Purpose.AWS_SAML)
    verbs.use(one.keys, Purpose.AWS_SAML)
    with pytest.raises(BadRequest, match="no new aws-saml key waits"):
        verbs.use(one.keys, Purpose.AWS_SAML)


def test_of_two_operators_at_once_one_makes_the_key(nodes: tuple[Node, Node], monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = nodes
    seen = one.store.sealed_keys.sealed(Purpose.AWS_SAML)
    verbs.rotate(other.keys, Purpose.AWS_SAML)
    made = one.events().count("key.made")
    monkeypatch.setattr(type(one.store.sealed_keys), "sealed", lambda *_: seen)
    with pytest.raises(BadRequest, match="at the same time"):
        verbs.rotate(one.keys, Purpose.AWS_SAML)
    assert one.events().count("key.made") == made


def test_what_was_encrypted_to_the_older_key_still_opens(nodes: tuple[Node, Node]) -> None:
    one, other = nodes
    padding = OAEP(mgf=MGF1(SHA256()), algorithm=SHA256(), label=None)
    wrapped = other.ring.current(Purpose.DECRYPTION).public_key.encrypt(b"content key", padding)
    verbs.rotate(one.keys, Purpose.DECRYPTION)
    one.clock.advance(HOUR)
    other.look()
    first, second = other.ring.all(Purpose.DECRYPTION)
    with pytest.raises(ValueError, match=r".*"):
        first.decrypt(wrapped, padding)
    assert second.decrypt(wrapped, padding) == b"content key"


def test_keys_that_are_known_go_on_while_the_database_does_not_answer_or_is_empty(
    nodes: tuple[Node, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = nodes
    known = one.kids(Purpose.AWS_SAML)

    def silent(*_: object) -> object:
        raise Unavailable("the database does not answer")

    answers: list[Callable[..., object]] = [silent, lambda *_: ()]
    for answer in answers:
        monkeypatch.setattr(type(one.store.sealed_keys), "sealed", answer)
        one.look()
        assert one.kids(Purpose.AWS_SAML) == known


def test_what_did_not_change_is_the_very_same(nodes: tuple[Node, Node]) -> None:
    one, _ = nodes
    before = one.ring.all(Purpose.AWS_SAML)
    one.look()
    assert one.ring.all(Purpose.AWS_SAML) is before


def test_the_page_tells_of_each_purpose_when_its_new_key_signs_and_its_old_one_may_go() -> None:
    page = (ROOT / "docs" / "aws.md").read_text("utf-8").partition("\n| purpose | the new key signs |")[2]
    rows = re.findall(r"^\| `([\w-]+)` \| ([^|]+) \| [^|]+ \| ([^|]+) \|$", page.partition("\n\n")[0], re.MULTILINE)
    spans = {timedelta(minutes=1): "a minute", timedelta(hours=1): "an hour", timedelta(days=1): "a day"}
    told = {}
    for purpose in Purpose:
        lead = verbs._LEAD.get(purpose)
        kept = spans.get(verbs._OUTLIVED.get(purpose, timedelta()), "15 minutes")
        goes = "never" if purpose is Purpose.AUDIT else f"{kept} after"
        told[purpose.value] = (f"at `keys use {purpose}`" if lead is None else f"after {spans[lead]}", goes)
    assert {purpose for purpose, _, _ in rows} == set(told)
    assert [row for row in rows if not all(map(str.startswith, row[1:], told[row[0]]))] == []


# ------------------------------------------------------------------------------------------------------ the commands


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = write_files(tmp_path)
    assert run(path, "migrate").exit_code == 0
    return path


def run(settings: Path, *words: str) -> Result:
    own_database = 2 if words[0] == "keys" else 1
    return CliRunner().invoke(commands, [*words[:own_database], "--settings", str(settings), *words[own_database:]])


def test_on_the_saml_road_the_command_tells_what_each_account_must_learn(settings: Path) -> None:
    said = run(settings, "keys", "rotate", "aws-saml").output
    assert f"--saml-provider-arn arn:aws:iam::{ACCOUNT}:saml-provider/bridge " in said
    assert "upload it, minutes before the next step:" in said
    assert "federation-bridge keys use aws-saml" in said
    assert "signs from now on" in run(settings, "keys", "use", "aws-saml").output
    assert "may be alive until" in str(run(settings, "keys", "retire", "aws-saml").exception)


def test_the_command_tells_of_no_step_that_the_purpose_does_not_have(settings: Path) -> None:
    audit = run(settings, "keys", "rotate", "audit").output
    assert "keys retire" not in audit
    assert "The old one stays" in audit
    decryption = run(settings, "keys", "rotate", "decryption").output
    assert "signs" not in decryption
    assert "It stands first in our metadata from " in decryption


def test_after_the_last_step_the_command_tells_why_to_upload_once_more(
    settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(settings, "keys", "rotate", "aws-saml")
    run(settings, "keys", "use", "aws-saml")
    later = datetime.now(UTC) + timedelta(minutes=16)
    monkeypatch.setattr(system_clock, "utc_now", lambda: later)
    said = run(settings, "keys", "retire", "aws-saml").output
    assert "upload it, so that the old key is believed no more:" in said
    assert "next step" not in said


def test_where_aws_reads_our_keys_elsewhere_the_command_tells_to_put_them_there(settings: Path) -> None:
    assert "jwks.json" not in run(settings, "keys", "rotate", "aws-oidc").output
    run(settings, "keys", "use", "aws-oidc")
    settings.write_text(f"{settings.read_text()}\naws_issuer: https://issuer.example.com\n")
    told = run(settings, "keys", "rotate", "aws-oidc").output
    assert "put DIR/.well-known/jwks.json below https://issuer.example.com, an hour before it signs." in told


def test_a_key_can_be_told_to_wait_longer(settings: Path) -> None:
    said = run(settings, "keys", "rotate", "tokens", "--use-in", "2h").output
    assert "It signs from " in said
    assert "waits already" in str(run(settings, "keys", "rotate", "tokens").exception)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("keys", "rotate", "aws-sampl"), "there is no purpose 'aws-sampl'"),
        (("keys", "use", "tokens"), "no new tokens key waits"),
        (("keys", "retire", "tokens"), "no old tokens key is there to retire"),
    ],
)
def test_a_wrong_word_is_told_in_one_sentence(settings: Path, words: tuple[str, ...], sentence: str) -> None:
    assert sentence in str(run(settings, *words).exception)


def test_a_wrong_span_is_refused(settings: Path) -> None:
    refused = run(settings, "keys", "rotate", "tokens", "--use-in", "soon")
    assert refused.exit_code == 2
    assert "is not a duration" in refused.output
