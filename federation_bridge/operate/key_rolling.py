"""What the commands that roll our keys do and say: the verbs, and what each account has still to learn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from federation_bridge import first_start, system_clock
from federation_bridge.administration import keys as verbs
from federation_bridge.administration.keys import Keys
from federation_bridge.errors import BridgeError, ConfigurationInvalid
from federation_bridge.keys_and_endings import key_ring
from federation_bridge.mapping.document import did_you_mean
from federation_bridge.operate.opening import looking_at, store_of
from federation_bridge.settings import Settings
from federation_bridge.signing import Purpose

_CARRY = {
    Purpose.SERVICE_PROVIDER: "Give each SAML connection's provider our metadata anew (/sign-in/CONNECTION/metadata).",
    Purpose.CLIENT_ASSERTION: "Give each provider with private_key_jwt our keys anew (`federation-bridge keys show`).",
    Purpose.DECRYPTION: "Give each SAML provider that encrypts to us our metadata anew (/sign-in/CONNECTION/metadata).",
}

_DOES = {Purpose.DECRYPTION: ("stands first in our metadata", "encrypted")}
"""What the key of a purpose does that signs nothing, and what was done with it."""

_BEFORE = {Purpose.AWS_OIDC: "an hour before it signs"}
"""How early somebody must have the new key, where it is not minutes."""


def rotated(settings: Settings, purpose: str, use_in: timedelta | None) -> Iterator[str]:
    """Makes and publishes a key; one line for what was made, and for each thing that has still to be done."""
    wanted = _purpose(purpose)
    with _keys(settings) as keys:
        made = verbs.rotate(keys, wanted, use_in)
        (new, *_) = verbs.states(keys, wanted)
    yield f"{wanted} key {made.kid} is made and published."
    yield from _to_do(settings, wanted, _BEFORE.get(wanted, "minutes before the next step"))
    does, did = _DOES.get(wanted, ("signs", "signed"))
    if new.row.signs_from is None:
        yield f"It {does} after `federation-bridge keys use {wanted}`."
    else:
        yield f"It {does} from {new.row.signs_from.isoformat(timespec='seconds')} on."
    if wanted is Purpose.AUDIT:
        yield "The old one stays: what it signed is verified with it."
    else:
        yield f"When nothing {did} with the old one is alive any more: `federation-bridge keys retire {wanted}`."


def put_into_use(settings: Settings, purpose: str) -> str:
    """Puts the waiting key into use; says which."""
    wanted = _purpose(purpose)
    with _keys(settings) as keys:
        return f"{wanted} key {verbs.use(keys, wanted).kid} signs from now on, on every node within seconds."


def retired(settings: Settings, purpose: str) -> Iterator[str]:
    """Removes the old keys; one line for each, and for each thing that has still to be done."""
    wanted = _purpose(purpose)
    with _keys(settings) as keys:
        old = verbs.retire(keys, wanted)
    for key in old:
        yield f"{wanted} key {key.kid} is retired."
    yield from _to_do(settings, wanted, "so that the old key is believed no more")


@contextmanager
def _keys(settings: Settings) -> Iterator[Keys]:
    beginning = first_start.resume(settings)
    with store_of(settings, beginning) as store:
        ring = key_ring(settings, beginning.sealing_key, store)
        yield Keys(ring, store.sealed_keys, system_clock.utc_now)


def _purpose(text: str) -> Purpose:
    try:
        return Purpose(text)
    except ValueError:
        known = [purpose.value for purpose in Purpose]
        raise ConfigurationInvalid(
            f"there is no purpose {text!r}{did_you_mean(text, known)} (there are: {', '.join(known)})"
        ) from None


def _to_do(settings: Settings, purpose: Purpose, uploaded: str) -> Iterator[str]:
    if purpose in _CARRY:
        yield _CARRY[purpose]
    if purpose is Purpose.AWS_OIDC and settings.issuer != settings.base_url:
        # Our own nodes serve the new one at once; there AWS reads what somebody put there.
        there = f"DIR/.well-known/jwks.json below {settings.issuer}"
        yield f"Write our keys (`federation-bridge issuer export --to DIR`) and put {there}, {uploaded}."
    if purpose is not Purpose.AWS_SAML:
        return
    command = "`federation-bridge aws publish-keys --write`"
    yield f"With AWS credentials of your own, {command} brings it to every account, {uploaded}."
    yield f"By hand: write the metadata (`federation-bridge issuer export --to DIR`) and upload it, {uploaded}:"
    for arn in _saml_providers(settings):
        words = f"--saml-provider-arn {arn} --saml-metadata-document file://DIR/saml/metadata.xml"
        yield f"  aws iam update-saml-provider {words}"


def _saml_providers(settings: Settings) -> list[str]:
    try:
        with looking_at(settings) as parts:
            register = parts.rulebook.in_force.register
    except BridgeError:
        return ["ARN-OF-EACH-PROVIDER"]
    return [account.provider_arn for account in register.accounts.values() if account.road == "saml"]
