"""All routes of `/scim/v2`: importing them puts them into the blueprint."""

from federation_bridge.web.scim import discovery, groups, searching, users
from federation_bridge.web.scim.blueprint import scim

__all__ = ["discovery", "groups", "scim", "searching", "users"]
