"""AWS's partitions as rows of a table: adding one is adding a row."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Partition:
    """What differs between partitions."""

    name: str
    """As it stands in ARNs."""
    region: re.Pattern[str]
    """Matches, in full, the names of this partition's regions."""
    signin_host: str
    saml_audience: str
    """The sign-in service's entityID (its SP metadata)."""
    console_host: str
    """The console; each region's console stands one label below it."""
    has_global_console: bool = True
    """Whether `console_host` itself answers; otherwise only the regional ones do."""

    @property
    def saml_acs(self) -> str:
        """Where a browser posts our Response; also the Recipient, which trust policies see as `saml:aud`."""
        return f"https://{self.signin_host}/saml"

    @property
    def federation_endpoint(self) -> str:
        """Where getSigninToken and login are asked."""
        return f"https://{self.signin_host}/federation"

    def console_home(self, region: str) -> str:
        """The console's first page in this region."""
        return f"https://{self.console_origin(region)}/console/home?region={region}"

    def console_origin(self, region: str) -> str:
        """Host of this region's console."""
        return f"{region}.{self.console_host}"


_ROWS = (
    Partition(
        name="aws",
        region=re.compile(r"(us|eu|ap|sa|ca|me|af|il|mx)-[a-z]+-[0-9]{1,2}"),
        signin_host="signin.aws.amazon.com",
        saml_audience="urn:amazon:webservices",
        console_host="console.aws.amazon.com",
    ),
    Partition(
        name="aws-cn",
        region=re.compile(r"cn-[a-z]+-[0-9]{1,2}"),
        signin_host="signin.amazonaws.cn",
        saml_audience="urn:amazon:webservices:cn-north-1",
        console_host="console.amazonaws.cn",
    ),
    Partition(
        name="aws-us-gov",
        region=re.compile(r"us-gov-[a-z]+-[0-9]{1,2}"),
        signin_host="signin.amazonaws-us-gov.com",
        saml_audience="urn:amazon:webservices:govcloud",
        console_host="console.amazonaws-us-gov.com",
    ),
    Partition(
        name="aws-eusc",
        region=re.compile(r"eusc-[a-z]{2}-[a-z]+-[0-9]{1,2}"),
        signin_host="eusc-de-east-1.signin.amazonaws-eusc.eu",
        # AWS publishes no audience for this partition yet; STS does not look at it, the sign-in page may.
        saml_audience="urn:amazon:webservices",
        console_host="console.amazonaws-eusc.eu",
        has_global_console=False,
    ),
)

PARTITIONS: Mapping[str, Partition] = MappingProxyType({row.name: row for row in _ROWS})
"""By name. A name that is not here is no partition of ours (attack J07: a closed list)."""
