"""Users and groups as they are told and answered, and what this server says of itself (RFC 7643)."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, ClassVar

from pydantic import Field
from scim2_models import (
    URN,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    ETag,
    Filter,
    Mutability,
    Name,
    Patch,
    Reference,
    Required,
    Resource,
    ResourceType,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
MOST_RESULTS = 200
"""On one page."""
USUAL_RESULTS = 100
"""On a page of a list whose asker says no `count`."""

POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
"""Attributes that are not ours are left out (RFC 7644 3.3: a server may), and PATCH is read as Entra ID sends it."""


class Address(ComplexAttribute):
    """An e-mail address of a user (RFC 7643 4.1.2)."""

    value: str | None = None
    display: str | None = None
    type: str | None = None
    primary: bool | None = None


class Membership(ComplexAttribute):
    """A group in which a user is."""

    value: Annotated[str | None, Mutability.read_only, CaseExact.true] = None
    display: Annotated[str | None, Mutability.read_only] = None


class Member(ComplexAttribute):
    """A user who is in a group."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    ref: Annotated[Reference["User"] | None, Mutability.immutable] = Field(  # noqa: UP037 - the name, as it is published
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])


class User(Resource[Any]):
    """A person whom the identity provider assigned to us: as much as is needed to know and to show who it is."""

    __schema__ = URN(USER)

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    """The name with which the person signs in at the identity provider."""
    name: Name | None = None
    """The parts of the person's name."""
    display_name: str | None = None
    """The person's name, for people to read."""
    active: Annotated[bool | None, Required.true] = None
    """False: the person is disabled, and is put out here at once."""
    emails: list[Address] | None = None
    """E-mail addresses. They decide nothing."""
    groups: Annotated[list[Membership] | None, Mutability.read_only] = None
    """The groups in which the person is: changed at the group."""

    Emails: ClassVar[type[ComplexAttribute]] = Address
    Groups: ClassVar[type[ComplexAttribute]] = Membership


class Group(Resource[Any]):
    """A group of people, as rules may name it."""

    __schema__ = URN(GROUP)

    display_name: Annotated[str | None, Required.true] = None
    """The group's name, for people to read."""
    members: list[Member] | None = None
    """Who is in the group: users alone."""

    Members: ClassVar[type[ComplexAttribute]] = Member


class GroupAlone(Resource[Any]):
    """A group without its members: they may be very many, and are changed one by one (`members`)."""

    __schema__ = URN(GROUP)

    display_name: Annotated[str | None, Required.true] = None


@cache
def provider() -> ScimProvider:
    """What this server serves, and what it says that it can."""
    return ScimProvider(
        models=[User, Group],
        resource_types=[ResourceType.from_resource(User), ResourceType.from_resource(Group)],
        config=_config(),
        policy=POLICY,
    )


def _config() -> ServiceProviderConfig:
    return ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
        filter=Filter(supported=True, max_results=MOST_RESULTS),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=False),
        etag=ETag(supported=True),
        authentication_schemes=[
            AuthenticationScheme(
                type=AuthenticationScheme.Type.oauthbearertoken,
                name="Bearer token",
                description="A token of this connection, from `federation-bridge scim token new`",
                primary=True,
            )
        ],
    )
