"""What one version of an identity provider's metadata may bring that the one before it did not have."""

from __future__ import annotations

from collections.abc import Collection

from federation_bridge.connectors.endpoints import moved
from federation_bridge.connectors.key_names import readable
from federation_bridge.connectors.saml import names
from federation_bridge.connectors.saml.metadata import IdpMetadata
from federation_bridge.errors import ConfigurationInvalid


def check_succession(before: IdpMetadata, found: IdpMetadata, *, names_entity: bool, is_signed: bool) -> None:
    """ConfigurationInvalid where `found` must not follow `before` at all.

    `names_entity`: the settings say whose metadata it is; `is_signed`: somebody whom they pin has signed it.
    """
    if found.entity_id != before.entity_id and not names_entity:
        raise ConfigurationInvalid(
            f"metadata: the entityID changed from {before.entity_id!r} to {found.entity_id!r};"
            " set `idp_entity_id` if that is meant"
        )
    # Older signed metadata is genuine too: it would bring back a key that was withdrawn.
    ends = (before.valid_until, found.valid_until)
    if is_signed and ends[0] is not None and ends[1] is not None and ends[1] < ends[0]:
        raise ConfigurationInvalid("metadata: older than what is in force")


def new_keys(before: IdpMetadata, found: IdpMetadata) -> str:
    """A sentence about signing keys that are new; nothing where there are none."""
    fresh = sorted({key.fingerprint for key in found.keys} - {key.fingerprint for key in before.keys})
    return f"new signing keys {', '.join(readable(one) for one in fresh)}" if fresh else ""


def moved_sign_on(before: IdpMetadata, found: IdpMetadata, permitted: Collection[str]) -> str:
    """A sentence about sign-on addresses that moved to another host (ADR 0018); nothing where none did."""
    return "; ".join(moved(_sign_on(before), _sign_on(found), permitted))


def described(metadata: IdpMetadata) -> tuple[str, ...]:
    """What it says that we use, a line for each thing."""
    ends = "" if metadata.valid_until is None else f", valid until {metadata.valid_until.isoformat()}"
    keys = (
        f"signing key {readable(key.fingerprint)}, certificate until {key.expires_at.date()}" for key in metadata.keys
    )
    addresses = (f"{name}: {url}" for name, url in _sign_on(metadata).items())
    return (f"entityID {metadata.entity_id}{ends}", *addresses, *keys)


def _sign_on(metadata: IdpMetadata) -> dict[str, str]:
    """The addresses that we may send people to, by their binding."""
    ours = (names.REDIRECT_BINDING, names.POST_BINDING)
    return {f"sign-on by {one.rpartition(':')[2]}": metadata.sign_on[one] for one in ours if one in metadata.sign_on}
