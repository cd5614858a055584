"""What the verbs work with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from federation_bridge.audit import AuditLog
from federation_bridge.aws.calls import AwsCalls
from federation_bridge.aws.sts import StsClients
from federation_bridge.connectors.connector import Connector
from federation_bridge.connectors.signals.transmitter import Transmitter
from federation_bridge.ending import Endings
from federation_bridge.group_lookup import GroupLookup
from federation_bridge.model import Clock, Randomness
from federation_bridge.observers import Observer
from federation_bridge.outgoing import Outgoing
from federation_bridge.pending_sign_in import PendingSignIns
from federation_bridge.provider_material import SealedMaterial
from federation_bridge.rulebook import RulebookInForce
from federation_bridge.settings import Settings
from federation_bridge.signing import KeyRing
from federation_bridge.store import Store


@dataclass(frozen=True, slots=True)
class Parts:
    """What the verbs work with; `app.py` joins them."""

    settings: Settings
    connectors: Mapping[str, Connector]
    group_lookup: GroupLookup
    rulebook: RulebookInForce
    store: Store
    endings: Endings
    audit: AuditLog
    keys: KeyRing
    aws_calls: AwsCalls
    sts: StsClients
    outgoing: Outgoing
    pending_sign_ins: PendingSignIns
    sealed_material: SealedMaterial
    transmitters: Mapping[str, Transmitter]
    clock: Clock
    randomness: Randomness
    observers: tuple[Observer, ...] = ()
