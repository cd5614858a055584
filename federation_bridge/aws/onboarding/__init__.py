"""What an AWS account needs so that it believes the bridge: planned once, written for each tool that makes it."""

from federation_bridge.aws.onboarding.files import FORMATS, files_of
from federation_bridge.aws.onboarding.plan import AccountPlan, Additions, OidcProvider, RolePlan, SamlProvider, planned

__all__ = [
    "FORMATS",
    "AccountPlan",
    "Additions",
    "OidcProvider",
    "RolePlan",
    "SamlProvider",
    "files_of",
    "planned",
]
