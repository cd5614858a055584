"""Making what an account holds, held to IAM's rules; the IAM API and whoever seeds a local AWS both come here."""

from federation_bridge.sandbox.aws.provisioning.accounts import add_account, put_bucket
from federation_bridge.sandbox.aws.provisioning.policies import (
    Document,
    demand_policy,
    demand_size,
    put_policy,
    significant_length,
    text_of,
)
from federation_bridge.sandbox.aws.provisioning.providers import (
    THUMBPRINT,
    change_saml_provider,
    demand_client_ids,
    demand_thumbprints,
    put_oidc_provider,
    put_saml_provider,
)
from federation_bridge.sandbox.aws.provisioning.roles import demand_max_session, put_role, trust_policy
from federation_bridge.sandbox.aws.provisioning.template import apply_template
from federation_bridge.sandbox.aws.provisioning.users import add_user, put_access_key, put_user

__all__ = [
    "THUMBPRINT",
    "Document",
    "add_account",
    "add_user",
    "apply_template",
    "change_saml_provider",
    "demand_client_ids",
    "demand_max_session",
    "demand_policy",
    "demand_size",
    "demand_thumbprints",
    "put_access_key",
    "put_bucket",
    "put_oidc_provider",
    "put_policy",
    "put_role",
    "put_saml_provider",
    "put_user",
    "significant_length",
    "text_of",
    "trust_policy",
]
