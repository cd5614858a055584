"""What is checked of an identity provider's answer, by name and in order, and the record of what came of each check.

The pipeline opens a record (`recording`) around an arrival. Each check notes its verdict by `check`, wherever it runs,
so no connector hands anything on. Who is let in without a check that is never left out is refused: the pipeline asks
`Record.left_out` before it makes a session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import TracebackType

from federation_bridge.errors import BridgeError, arrival_foreseen
from federation_bridge.model import Received
from federation_bridge.sentence import Sentence


@dataclass(frozen=True, slots=True)
class Check:
    """One check of an answer."""

    name: str
    asks: Sentence
    """What it looks at, in words."""
    source: str = ""
    """Where a specification asks for it; empty: it is ours."""
    is_always: bool = True
    """Whether nobody is let in without it; others depend on settings, or on what the answer holds."""


_BEFORE = (
    Check("address", Sentence("the answer came to the address of its protocol")),
    Check(
        "pending sign-in",
        Sentence(
            "this browser began this sign-in, or the connection accepts answers without a request (IdP-initiated)"
        ),
    ),
    Check("request", Sentence("that sign-in is of this connection and has not run out")),
)
_AFTER = (
    Check("sign-in taken", Sentence("that sign-in was not used before"), is_always=False),
    Check(
        "authentication method",
        Sentence("the method is one that was asked for"),
        "SAML core 3.3.2.2.1, OpenID Connect Core 3.1.2.1",
        is_always=False,
    ),
    Check("groups", Sentence("the directory knows the person, where it is asked")),
    Check("session end", Sentence("the provider's own session has not ended")),
    Check(
        "once", Sentence("neither the message nor the sign-in was used before"), "SAML profiles 4.1.4.5, RFC 6749 10.5"
    ),
)
_OTHER = Check("other", Sentence("what the cause says"), is_always=False)

SAML = (
    *_BEFORE,
    Check("form", Sentence("one SAMLResponse came by POST, in base64"), "SAML bindings 3.5.4"),
    Check("documents", Sentence("the provider's metadata is available and fits the settings"), "SAML metadata 2.4"),
    Check("shape", Sentence("the XML has one meaning, and one place for each signature and assertion")),
    Check("Response signature", Sentence("it was made with a key of the metadata"), "SAML core 5", is_always=False),
    Check("Response", Sentence("its ID, instant and attributes can be read"), "SAML core 3.2.2"),
    Check("decryption", Sentence("the EncryptedAssertion opens by a key of ours"), "SAML core 2.3.4", is_always=False),
    Check("Assertion signature", Sentence("it was made with a key of the metadata"), "SAML core 5", is_always=False),
    Check("signed and encrypted", Sentence("everything that the settings require to be signed or encrypted is so")),
    Check("Assertion", Sentence("each of its parts can be read in one way"), "SAML core 2.3.3"),
    Check("Response Issuer", Sentence("it is the provider's entityID"), "SAML profiles 4.1.4.2"),
    Check("Destination", Sentence("it is our address for this connection"), "SAML core 3.2.2"),
    Check("InResponseTo", Sentence("it is the request that this browser took to the provider"), "SAML core 3.2.2"),
    Check("Issuer", Sentence("it is the provider's entityID"), "SAML core 2.2.5"),
    Check("IssueInstant", Sentence("it is not in the future"), "SAML core 2.3.3"),
    Check("NameID", Sentence("there is one, and its qualifiers are the provider's and ours"), "SAML core 2.2.3"),
    Check("Conditions", Sentence("they say until when the assertion is valid"), "SAML core 2.5.1"),
    Check("AudienceRestriction", Sentence("each names our entityID"), "SAML core 2.5.1.4"),
    Check("ProxyRestriction", Sentence("it does not forbid us to make an assertion of our own"), "SAML core 2.5.1.6"),
    Check("NotBefore", Sentence("it is valid already"), "SAML core 2.5.1.2"),
    Check(
        "SubjectConfirmation",
        Sentence("a bearer one is for us and for this request, and has not expired"),
        "SAML profiles 4.1.4.3",
    ),
    Check("AuthnStatement", Sentence("the person was authenticated as recently as was required"), "SAML core 2.7.2"),
    Check("NotOnOrAfter", Sentence("the message is not too old"), "SAML core 2.5.1.2"),
    Check("second opinion", Sentence("another library reads the same content from the message")),
    Check("identity", Sentence("what identifies the person is there, and is lasting")),
    *_AFTER,
    _OTHER,
)
OIDC = (
    *_BEFORE,
    Check("documents", Sentence("the provider's metadata is available"), "OpenID Connect Discovery 4"),
    Check("response mode", Sentence("the answer came as it was asked for, each parameter once"), "RFC 6749 4.1.2"),
    Check("state", Sentence("it is the one that was sent"), "RFC 6749 10.12"),
    Check("iss of the answer", Sentence("it is this connection's issuer"), "RFC 9207 2.4"),
    Check("code", Sentence("there is one, and no error"), "RFC 6749 4.1.2"),
    Check("sign-in taken", Sentence("that sign-in was not used before")),
    Check("token endpoint", Sentence("it redeems the code"), "OpenID Connect Core 3.1.3"),
    Check("UserInfo request", Sentence("the UserInfo endpoint answers"), "OpenID Connect Core 5.3", is_always=False),
    Check("ID token signature", Sentence("it was made with a key of the provider"), "OpenID Connect Core 3.1.3.7"),
    Check("ID token", Sentence("it is JSON with one meaning, and no token of another kind"), "OpenID Connect Core 2"),
    Check("iss", Sentence("it is this connection's issuer"), "OpenID Connect Core 3.1.3.7"),
    Check("aud", Sentence("it is us, and azp says so too"), "OpenID Connect Core 3.1.3.7"),
    Check("nonce", Sentence("it is the one that was sent"), "OpenID Connect Core 3.1.3.7"),
    Check(
        "times", Sentence("exp, iat, nbf and auth_time are possible and what was asked for"), "OpenID Connect Core 2"
    ),
    Check("hashes", Sentence("at_hash and c_hash match, where they are present"), "OpenID Connect Core 3.1.3.6"),
    Check("sub", Sentence("it is plain text"), "OpenID Connect Core 2"),
    Check("UserInfo", Sentence("it is about the same person"), "OpenID Connect Core 5.3.2", is_always=False),
    Check("identity", Sentence("the tenant may sign in, and what identifies the person is there")),
    *_AFTER[1:],
    _OTHER,
)
CHECKS: Mapping[str, tuple[Check, ...]] = {"saml": SAML, "oidc": OIDC}
"""Every check of an answer, by the connection's protocol, in the order in which they run."""


_NAMES = {protocol: tuple(one.name for one in checks) for protocol, checks in CHECKS.items()}
_NEEDED = {
    protocol: tuple(one.name for one in checks if one.is_always and one not in _AFTER)
    for protocol, checks in CHECKS.items()
}
"""Those without which no session is made, and that run before it is."""
_VOUCHES = {"saml": "Issuer", "oidc": "iss"}
"""What must have passed before a message names anybody: by whom it is."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What came of each check of one answer, by name, in their order."""

    passed: tuple[str, ...] = ()
    failed: str = ""
    """The one that refused; empty where nothing did."""
    not_reached: tuple[str, ...] = ()
    not_needed: tuple[str, ...] = ()


@dataclass(slots=True)
class Record:
    """What one arrival has come to so far."""

    protocol: str
    verdicts: dict[str, bool] = field(default_factory=dict)
    _received: Callable[[], Received] | None = None
    _person: Callable[[], str] | None = None

    def left_out(self) -> tuple[str, ...]:
        """Those that have not passed of the checks that every session needs and that run before it is made."""
        return tuple(name for name in _NEEDED[self.protocol] if not self.verdicts.get(name))

    def finished(self, *, is_refused: bool) -> Verdicts:
        """The verdicts. A refusal outside of every check is one of the last check, `other`.

        Where nothing was refused, `once` passes with the transaction that makes the session, or there is no session.
        """
        names = _NAMES[self.protocol]
        verdicts = self.verdicts if is_refused else {**self.verdicts, "once": True}
        passed = tuple(name for name in names if verdicts.get(name))
        if not is_refused:
            return Verdicts(passed, not_needed=tuple(one for one in names[:-1] if one not in verdicts))
        failed = next((name for name in reversed(names) if self.verdicts.get(name) is False), _OTHER.name)
        reached = max((place for place, name in enumerate(names) if name in self.verdicts), default=-1)
        rest = [(place, name) for place, name in enumerate(names[:-1]) if name not in self.verdicts]
        return Verdicts(
            passed,
            failed,
            not_reached=tuple(name for place, name in rest if place > reached),
            not_needed=tuple(name for place, name in rest if place < reached),
        )

    def received(self) -> Received:
        """What the answer said of itself, as far as it was read; nothing where it cannot be told."""
        if self._received is not None:
            with suppress(BridgeError), arrival_foreseen():
                return self._received()
        return Received()

    def person(self) -> str:
        """Whom a message with a good signature names (`connection/subject`), "" where that cannot be told."""
        if self._person is not None and self.verdicts.get(_VOUCHES[self.protocol]):
            with suppress(BridgeError), arrival_foreseen():
                return self._person()
        return ""


_CURRENT: ContextVar[Record | None] = ContextVar("record of an arrival", default=None)


@contextmanager
def recording(protocol: str) -> Iterator[Record]:
    """The record that the checks of this block write to."""
    record = Record(protocol)
    before = _CURRENT.set(record)
    try:
        yield record
    finally:
        _CURRENT.reset(before)


class _Check:
    """A plain class, for it stands around every check of every sign-in: a generator takes three times as long."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        """Nothing is noted before the verdict."""

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        record = _CURRENT.get()
        if record is not None:
            record.verdicts[self._name] = kind is None


def check(name: str) -> _Check:
    """Notes that the check of this name passed, or, where the block raises, that it failed."""
    return _Check(name)


def received(read: Callable[[], Received]) -> None:
    """Notes how what the answer said of itself can be told; it is asked when the arrival is over."""
    record = _CURRENT.get()
    if record is not None:
        record._received = read  # noqa: SLF001 - the record's own module


def naming(person: Callable[[], str]) -> None:
    """Notes how the person can be told whom a message with a good signature names."""
    record = _CURRENT.get()
    if record is not None:
        record._person = person  # noqa: SLF001 - the record's own module
