"""Everything configurable, validated when the service starts. An unknown name is refused with the nearest known one.

Settings come from one YAML file; secrets are named by file or environment variable and never stand in it. Each section
is a module, `document` holds them all, and `reading` alone reads the file. docs/settings.md is made from them.
"""

from __future__ import annotations

from federation_bridge.settings.audit import Audit
from federation_bridge.settings.authentication_method import NO_SECOND_FACTOR, AuthenticationMethod
from federation_bridge.settings.aws import Aws
from federation_bridge.settings.command_line import CommandLine
from federation_bridge.settings.document import Connection, Settings
from federation_bridge.settings.keys import Keys
from federation_bridge.settings.notices import NOTICE_KINDS, Mail, NoticeKind, Notices, Webhook
from federation_bridge.settings.oidc import OidcConnection
from federation_bridge.settings.outgoing import Outgoing
from federation_bridge.settings.portal import Portal
from federation_bridge.settings.reading import load_settings, read_settings, settings_from
from federation_bridge.settings.saml import SamlConnection
from federation_bridge.settings.scim import Scim
from federation_bridge.settings.secret import Secret
from federation_bridge.settings.serving import Serving
from federation_bridge.settings.sessions import SessionLimits
from federation_bridge.settings.values import ClaimPlace, Duration, Host, Network, Url, is_loopback

__all__ = [
    "NOTICE_KINDS",
    "NO_SECOND_FACTOR",
    "Audit",
    "AuthenticationMethod",
    "Aws",
    "ClaimPlace",
    "CommandLine",
    "Connection",
    "Duration",
    "Host",
    "Keys",
    "Mail",
    "Network",
    "NoticeKind",
    "Notices",
    "OidcConnection",
    "Outgoing",
    "Portal",
    "SamlConnection",
    "Scim",
    "Secret",
    "Serving",
    "SessionLimits",
    "Settings",
    "Url",
    "Webhook",
    "is_loopback",
    "load_settings",
    "read_settings",
    "settings_from",
]
