"""AWS's partitions as rows of a table: adding one is adding a row."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from federation_bridge.console_pages import CONSOLES
from federation_bridge.model import Account


@dataclass(frozen=True, slots=True)
class SignIn:
    """One host of AWS's sign-in service: the partition's own, or a region's."""

    host: str

    @property
    def saml_acs(self) -> str:
        """Where a browser posts our Response; also the Recipient, which trust policies see as `saml:aud`."""
        return f"https://{self.host}/saml"

    @property
    def federation(self) -> str:
        """Where getSigninToken and login are asked."""
        return f"https://{self.host}/federation"


@dataclass(frozen=True, slots=True)
class Partition:
    """What differs between partitions."""

    name: str
    """As it stands in ARNs."""
    region: re.Pattern[str]
    """Matches, in full, the names of this partition's regions."""
    signin_host: str
    signin_home: str
    """The region whose sign-in endpoint `signin_host` is; each other region's stands one label below it."""
    saml_audience: str
    """The sign-in service's entityID (its SP metadata)."""
    iam_region: str
    """The region whose name botocore takes for the partition's one IAM."""

    def sign_in(self, regions: Sequence[str] = ()) -> tuple[SignIn, ...]:
        """The sign-in endpoints of these regions, in their order; the partition's own where there are none."""
        if not regions:
            return (SignIn(self.signin_host),)
        hosts = [self.signin_host if one == self.signin_home else f"{one}.{self.signin_host}" for one in regions]
        return tuple(SignIn(host) for host in hosts)

    @property
    def signs_out_at(self) -> str:
        """The host whose sign-out is known to lead on to a sign-in; "" where it is not known of this partition."""
        # Only a region's host takes a `redirect_uri` of its own; what others answer was not seen.
        return f"{self.signin_home}.{self.signin_host}" if self.name == "aws" else ""

    @property
    def console_host(self) -> str:
        """The console; each region's console stands one label below it."""
        return CONSOLES[self.name].host

    def console_home(self, region: str) -> str:
        """The console's first page in this region."""
        return CONSOLES[self.name].home(region)


_ROWS = (
    Partition(
        name="aws",
        region=re.compile(r"(us|eu|ap|sa|ca|me|af|il|mx)-[a-z]+-[0-9]{1,2}"),
        signin_host="signin.aws.amazon.com",
        signin_home="us-east-1",
        saml_audience="urn:amazon:webservices",
        iam_region="us-east-1",
    ),
    Partition(
        name="aws-cn",
        region=re.compile(r"cn-[a-z]+-[0-9]{1,2}"),
        signin_host="signin.amazonaws.cn",
        signin_home="cn-north-1",
        saml_audience="urn:amazon:webservices:cn-north-1",
        iam_region="cn-north-1",
    ),
    Partition(
        name="aws-us-gov",
        region=re.compile(r"us-gov-[a-z]+-[0-9]{1,2}"),
        signin_host="signin.amazonaws-us-gov.com",
        signin_home="us-gov-west-1",
        saml_audience="urn:amazon:webservices:govcloud",
        iam_region="us-gov-west-1",
    ),
    Partition(
        name="aws-eusc",
        region=re.compile(r"eusc-[a-z]{2}-[a-z]+-[0-9]{1,2}"),
        signin_host="eusc-de-east-1.signin.amazonaws-eusc.eu",
        signin_home="eusc-de-east-1",
        # AWS publishes no audience for this partition yet; STS does not look at it, the sign-in page may.
        saml_audience="urn:amazon:webservices",
        iam_region="eusc-de-east-1",
    ),
)


def sign_in_of(account: Account) -> tuple[SignIn, ...]:
    """The endpoints of AWS's sign-in service that are used for this account, the first before the others."""
    return PARTITIONS[account.partition].sign_in(account.sign_in_regions)


PARTITIONS: Mapping[str, Partition] = MappingProxyType({row.name: row for row in _ROWS})
"""By name. A name that is not here is no partition of ours (attack J07: a closed list)."""
