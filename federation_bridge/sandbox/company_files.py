"""The three files that the example company's administrator wrote for the bridge, as text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from federation_bridge.sandbox import estate
from federation_bridge.sandbox.directory import audit_dates

PRODUCTION = "111122223333"
"""The account that believes the bridge as a SAML provider."""
ANALYTICS = "444455556666"
"""The account that believes the bridge as an OIDC provider."""
ISSUER = "https://bridge.example.com"
"""The bridge's issuer towards AWS, under the name that AWS demands; the local AWS knows where it really answers."""
CLIENT_ID = "federation-bridge"
_CONNECTIONS = ("company", "company-oidc")
RulebookSource = Literal["files", "database"]
"""Where the rules lie: in files that are watched, or in the database, where pages change them."""

_RULEBOOK = {
    "files": "rules: rules.yaml\naccounts: accounts.yaml",
    "database": "rulebook: {source: database}",
}

_SETTINGS = """\
# How the bridge runs. Every setting is described in docs/settings.md.
base_url: {bridge}
aws_issuer: {issuer}
data: .
{rulebook}

connections:
  company:
    title: Example company
    protocol: saml
    preset: okta
    metadata_url: {provider}/saml/metadata
    subject: id
    networks: [127.0.0.0/8, "::1/128"]
    email_domains: [example.com]
    verified_email_domains: [example.com]
    allow_idp_initiated: true
    # How this provider is asked for a second factor, and what says that there was one. Administration asks for it.
    authentication_methods: {{mfa: {{request: ["https://refeds.org/profile/mfa"], accept: ["https://refeds.org/profile/mfa"]}}}}
    second_factor: mfa
    # The provider's directory tells by SCIM who has left, and in which groups people are.
    scim: {{joined_by: externalId}}
  company-oidc:
    title: Example company (OpenID Connect)
    protocol: oidc
    preset: okta
    issuer: {provider}
    client_id: {client_id}
    client_secret: {{file: client-secret}}
    scopes: [openid, profile, email, groups]
    networks: [127.0.0.0/8, "::1/128"]
    verified_email_domains: [example.com]

aws:
  local_endpoint: {aws}
audit:
  also_to: audit.jsonl
serving:
  listen: {listen}
  workers: 1
"""

_ACCOUNTS = """\
# Nothing is ever issued for an account, role or provider that does not stand here.
version: 1
accounts:
  - id: "{production}"
    name: production
    provider: arn:aws:iam::{production}:saml-provider/federation-bridge
    region: eu-central-1
    roles: [Administrator, Developer, ReadOnly]
  - id: "{analytics}"
    name: analytics
    provider: arn:aws:iam::{analytics}:oidc-provider/{issuer_name}
    region: eu-central-1
    roles: [Administrator, DataReader, ReadOnly]
"""

_RULES_HEAD = """\
# Who may have which role. A rule speaks for the people of one connection.
version: 1
administration:
  - id: platform
    as: administrator
    connection: company
    when: {group: platform-admins}
  - id: identity
    as: administrator
    connection: company
    when: {group: identity-team}
  - id: analytics
    as: author
    connection: company
    when: {group: analytics-authors}
    accounts: ["444455556666"]
  - id: audit
    as: auditor
    connection: company
    when: {group: auditors}
# Nobody changes alone what anybody has in production, or who administers.
second_person:
  accounts: ["111122223333"]
rules:
"""

_RULES = """\
  - id: {connection}.platform
    description: The platform team administers both accounts.
    connection: {connection}
    when: {{group: platform-admins}}
    grant:
      roles: [{production}/Administrator, {analytics}/Administrator]
      max_duration: 1h
      tags: {{Department: "{{attribute.department}}"}}
  - id: {connection}.by-group-name
    description: Your company has a group that is named after this role.
    connection: {connection}
    when: {{group_template: "aws#{{account}}#{{role}}"}}
    grant: {{role: "{{account}}/{{role}}", max_duration: 8h}}
  - id: {connection}.audit
    description: This year's audit.
    connection: {connection}
    when:
      all:
        - group: auditors
        - dates: {{not_before: {audit_begins}, not_after: {audit_ends}}}
    grant:
      roles: [{production}/ReadOnly, {analytics}/ReadOnly]
      max_duration: 1h
  - id: {connection}.audit-of-last-year
    description: Last year's audit, which looked deeper.
    connection: {connection}
    when:
      all:
        - group: auditors
        - dates: {{not_before: {last_begins}, not_after: {last_ends}}}
    grant: {{role: "{production}/Administrator"}}
  - id: {connection}.contractors
    description: Contractors read what is public in analytics, whatever else the role may read.
    connection: {connection}
    when: {{group: contractors}}
    grant:
      role: {analytics}/DataReader
      max_duration: 30m
      session_policy:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action: s3:GetObject
            Resource: arn:aws:s3:::analytics-data/public/*
"""

TRIED_RULE = f"""\
  - id: sales-reads-reports
    description: Sales read the reports of production.
    connection: company
    when: {{group: sales}}
    grant: {{role: "{PRODUCTION}/ReadOnly", max_duration: 1h}}
"""
"""What an administrator of the example adds at the end of the rules, to try it."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where everything answers, each without a slash at its end."""

    bridge: str
    provider: str
    aws: str


def settings_text(addresses: Addresses, source: RulebookSource = "files") -> str:
    """The settings file; `source`: where the rulebook lies."""
    return _SETTINGS.format(
        rulebook=_RULEBOOK[source],
        bridge=addresses.bridge,
        provider=addresses.provider,
        aws=addresses.aws,
        issuer=ISSUER,
        client_id=CLIENT_ID,
        listen=addresses.bridge.removeprefix("http://"),
    )


def accounts_text(*, has_estate: bool = False) -> str:
    """The account register."""
    own = _ACCOUNTS.format(production=PRODUCTION, analytics=ANALYTICS, issuer_name=ISSUER.removeprefix("https://"))
    return own + (estate.register_text() if has_estate else "")


def rules_text(today: date, *, has_estate: bool = False) -> str:
    """The rules; the audit's dates lie around `today`."""
    begins, ends = audit_dates(today)
    more = estate.rules_text(_CONNECTIONS) if has_estate else ""
    return (
        _RULES_HEAD
        + more
        + "".join(
            _RULES.format(
                connection=connection,
                production=PRODUCTION,
                analytics=ANALYTICS,
                audit_begins=begins.isoformat(),
                audit_ends=ends.isoformat(),
                last_begins=date.fromordinal(begins.toordinal() - 365).isoformat(),
                last_ends=date.fromordinal(ends.toordinal() - 365).isoformat(),
            )
            for connection in _CONNECTIONS
        )
    )


@dataclass(frozen=True, slots=True)
class Files:
    """Which files are written, beside where everything answers."""

    addresses: Addresses
    client_secret: str
    today: date
    source: RulebookSource = "files"
    has_estate: bool = False
    """Whether the company has forty more accounts."""

    def write(self, folder: Path) -> Path:
        """Writes settings, rules, register and the client's secret into `folder` and gives the settings file's path."""
        settings = folder / "settings.yaml"
        settings.write_text(settings_text(self.addresses, self.source), encoding="utf-8")
        register, rules = accounts_text(has_estate=self.has_estate), rules_text(self.today, has_estate=self.has_estate)
        (folder / "accounts.yaml").write_text(register, encoding="utf-8")
        (folder / "rules.yaml").write_text(rules, encoding="utf-8")
        secret = folder / "client-secret"
        secret.touch(mode=0o600)
        secret.write_text(self.client_secret, encoding="utf-8")
        return settings
