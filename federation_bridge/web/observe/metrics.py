"""What we count. Numbers only: no person, no role, no address.

Counting can neither fail nor delay a request: it is an addition in memory that the processes share.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import structlog

from federation_bridge.web.observe.shared_counts import SharedCounts

_log = structlog.get_logger(__name__)

_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Upper bounds of the buckets, in seconds; one more holds whatever takes longer."""

_LEAST = (*(str(bound) for bound in _BOUNDS), "+Inf")
_SUM = "sum"
_VALUE = re.compile(r'[a-z]="([^"]*)"')
"""A value among the labels of a counter; those that are read back are words of ours."""


class _Shared:
    """Where this process counts; alone until `share_among` says otherwise."""

    counts = SharedCounts(1)
    told_of_loss = False


def share_among(processes: int) -> None:
    """Makes room for the counters of so many processes; called by the parent, before it forks."""
    _Shared.counts = SharedCounts(processes)


def count_in(slot: int) -> None:
    """Lets this process count in `slot`, from where an earlier process ended there; called after the fork."""
    _Shared.counts.take(slot)


def _add(name: str, amount: float) -> None:
    _Shared.counts.add(name, amount)
    if _Shared.counts.lost and not _Shared.told_of_loss:
        _Shared.told_of_loss = True
        _log.warning("no room for more names among the metrics: some are not counted", name=name)


class _Family:
    """Counters of one name, told apart by their labels."""

    kind = ""

    def __init__(self, name: str, meaning: str, labels: Sequence[str] = ()) -> None:
        """`meaning`: one line for whoever reads /metrics."""
        self.name, self.meaning = name, meaning
        self._labels = tuple(labels)
        self._known: dict[tuple[str, ...], str] = {}

    def labels(self, **values: str) -> _Child:
        """The counter with these values of the labels."""
        key = tuple(values[label] for label in self._labels)
        text = self._known.get(key)
        if text is None:
            pairs = (f'{label}="{_escaped(value)}"' for label, value in zip(self._labels, key, strict=True))
            text = self._known[key] = ",".join(pairs)
        return _Child(self.name, text)

    def lines(self, totals: Mapping[str, float]) -> Iterator[str]:
        """The family in the Prometheus text format."""
        yield f"# HELP {self.name} {self.meaning}"
        yield f"# TYPE {self.name} {self.kind}"
        mine = {key: value for key, value in totals.items() if key.partition("|")[0] == self.name}
        for labels in sorted({key.split("|", 2)[2] for key in mine}):
            yield from self._samples(labels, mine)

    def _samples(self, labels: str, totals: Mapping[str, float]) -> Iterator[str]:
        raise NotImplementedError

    def _sample(self, suffix: str, labels: str, value: float) -> str:
        return f"{self.name}{suffix}{{{labels}}} {value}" if labels else f"{self.name}{suffix} {value}"


@dataclass(frozen=True, slots=True)
class _Child:
    family: str
    labels: str

    def inc(self, amount: float = 1.0) -> None:
        """Adds to a counter."""
        _add(f"{self.family}||{self.labels}", amount)

    def observe(self, seconds: float) -> None:
        """Counts one value of a histogram."""
        _add(f"{self.family}|{_LEAST[bisect_left(_BOUNDS, seconds)]}|{self.labels}", 1.0)
        _add(f"{self.family}|{_SUM}|{self.labels}", seconds)


class Counter(_Family):
    """A number that only grows."""

    kind = "counter"

    def inc(self, amount: float = 1.0) -> None:
        """Adds to the one counter of a family without labels."""
        self.labels().inc(amount)

    def counted(self) -> dict[tuple[str, ...], float]:
        """What all processes counted until now, by the values of the labels."""
        mine = {key.partition("||")[2]: number for key, number in _Shared.counts.totals().items() if self._owns(key)}
        return {tuple(_VALUE.findall(labels)): number for labels, number in mine.items()}

    def _owns(self, key: str) -> bool:
        return key.partition("|")[0] == self.name

    def _samples(self, labels: str, totals: Mapping[str, float]) -> Iterator[str]:
        yield self._sample("", labels, totals[f"{self.name}||{labels}"])


class Histogram(_Family):
    """How many values fell below which bound."""

    kind = "histogram"

    def _samples(self, labels: str, totals: Mapping[str, float]) -> Iterator[str]:
        each = [totals.get(f"{self.name}|{least}|{labels}", 0.0) for least in _LEAST]
        before = f"{labels}," if labels else ""
        for least, count in zip(_LEAST, accumulate(each), strict=True):
            yield self._sample("_bucket", f'{before}le="{least}"', count)
        yield self._sample("_count", labels, sum(each))
        yield self._sample("_sum", labels, totals.get(f"{self.name}|{_SUM}|{labels}", 0.0))


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


REQUESTS = Counter("bridge_requests_total", "Answers by route and status.", ["route", "status"])
SECONDS = Histogram("bridge_request_seconds", "Time to answer, by route.", ["route"])
EVENTS = Counter("bridge_events_total", "Audit events by name: sign-ins, grants, refusals.", ["event"])
SIGN_INS = Counter(
    "bridge_sign_ins_total",
    "Sign-ins by connection and result: finished, or the code of what refused them.",
    ["connection", "result"],
)
GRANTS = Counter(
    "bridge_grants_total",
    "Grants by connection and result: made, then redeemed, failed or unknown; refused.",
    ["connection", "result"],
)
AWS_SECONDS = Histogram("bridge_aws_seconds", "Time until an endpoint of AWS answered.", ["endpoint"])
LINES_DROPPED = Counter(
    "bridge_lines_dropped_total",
    "What did not get out at once, by kind: log lines, audit lines (sent again later), refusals of nobody.",
    ["kind"],
)

CIRCUITS = Counter(
    "bridge_aws_circuits_total",
    "Circuits to an endpoint of AWS that opened or closed; opened less closed: workers that do not ask it now.",
    ["endpoint", "state"],
)

REVOCATIONS = Counter(
    "bridge_revocations_total",
    "Ends of AWS sessions that AWS holds now, or that the bridge could not make it hold.",
    ["kind", "state"],
)
REVOCATION_SECONDS = Histogram("bridge_revocation_seconds", "Time from an end to AWS's denial.", ["kind"])

SCIM_REQUESTS = Counter(
    "bridge_scim_requests_total",
    "Answers to SCIM clients by connection and result: done, refused, failed.",
    ["connection", "result"],
)

SIGNALS = Counter(
    "bridge_signals_total",
    "Shared signals that were believed, by connection and kind; one that came again counts again.",
    ["connection", "kind"],
)

WRONG_SETTINGS = Counter(
    "bridge_wrong_settings_total",
    "Requests that failed for settings that an administrator has to mend, by code and connection.",
    ["code", "connection"],
)

NOTICES = Counter(
    "bridge_notices_total",
    "Notices to operators by kind and result: sent, retried, given_up; one for each place that was to be told.",
    ["kind", "result"],
)

FAMILIES: tuple[_Family, ...] = (
    REQUESTS,
    SECONDS,
    EVENTS,
    SIGN_INS,
    GRANTS,
    AWS_SECONDS,
    LINES_DROPPED,
    CIRCUITS,
    REVOCATIONS,
    REVOCATION_SECONDS,
    SCIM_REQUESTS,
    SIGNALS,
    WRONG_SETTINGS,
    NOTICES,
)


@dataclass(frozen=True, slots=True)
class Gauge:
    """Values as they are now, by the values of their labels: of one process that looked for all."""

    name: str
    meaning: str
    labels: tuple[str, ...]
    values: Mapping[tuple[str, ...], float]

    def lines(self) -> Iterator[str]:
        """The family in the Prometheus text format."""
        yield f"# HELP {self.name} {self.meaning}"
        yield f"# TYPE {self.name} gauge"
        for key, value in sorted(self.values.items()):
            pairs = ",".join(f'{name}="{_escaped(text)}"' for name, text in zip(self.labels, key, strict=True))
            yield f"{self.name}{{{pairs}}} {value!r}" if pairs else f"{self.name} {value!r}"


WAITS = (
    "bridge_metadata_waits",
    "1 where documents of an identity provider wait for an administrator's yes.",
    ("connection",),
)
ENDS = (
    "bridge_end_timestamp_seconds",
    "When certificates and metadata end, in seconds since 1970; without a connection: our own.",
    ("connection", "kind", "name"),
)
RULEBOOK = (
    "bridge_rulebook_info",
    "1 for the version of the rulebook that decides on this node; none where this node can decide nothing.",
    ("version",),
)

EMERGENCIES = (
    "bridge_rulebook_emergencies",
    "Changes that came into force without a second person, and that no other administrator has seen to.",
    (),
)

SESSIONS = ("bridge_sessions", "Browser sessions that have not ended.", ())
COMMAND_LINES = ("bridge_command_lines", "Command lines that are signed in.", ())
LIVE_GRANTS = ("bridge_live_grants", "Grants whose AWS sessions may be alive.", ())
ERRANDS = ("bridge_errands_waiting", "What waits to be done beside the requests, by kind.", ("kind",))
DATABASE = ("bridge_database_seconds", "How long the database took to count what these gauges tell.", ())
BLOCKED = ("bridge_blocked_people", "People who are kept out by name, by who blocked them.", ("source",))
RESTORE_WAITS = (
    "bridge_restore_waits",
    "1 where the database was put back and nobody comes in until that is confirmed.",
    (),
)
INCIDENTS = ("bridge_open_incidents", "Incidents that keep everybody out but a list.", ())
SCIM_USERS = ("bridge_scim_users", "Users of whom a connection's SCIM client told.", ("connection",))
SCIM_BLOCKED = ("bridge_scim_blocked_people", "People whom a connection's SCIM client keeps out.", ("connection",))
SCIM_CONTACT = (
    "bridge_scim_last_contact_timestamp_seconds",
    "When a connection's SCIM client called last, in seconds since 1970; none where it never did.",
    ("connection",),
)
SCIM_QUIET = (
    "bridge_scim_quiet",
    "1 where a connection's SCIM client has not called for longer than `scim.quiet_after`.",
    ("connection",),
)


def exposition(*gauges: Gauge) -> bytes:
    """All counters of all worker processes, and these gauges, in the Prometheus text format."""
    totals = _Shared.counts.totals()
    counted = [line for family in FAMILIES for line in family.lines(totals)]
    return "".join(f"{line}\n" for line in (*counted, *(line for gauge in gauges for line in gauge.lines()))).encode()
