"""Facts about a customer and a person, as every stage knows them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Kind(StrEnum):
    BULK = "bulk"
    TRANSACTIONAL = "transactional"


class Freeze(StrEnum):
    NONE = "none"
    BULK = "bulk"
    ALL = "all"


class Reason(StrEnum):
    """Why nothing more goes to a person."""

    UNSUBSCRIBED = "unsubscribed"
    HARD_BOUNCE = "hard-bounce"
    COMPLAINT = "complaint"
    HAND = "hand"


class Allowance(msgspec.Struct, frozen=True, gc=False):
    """What the plan allows in the running period; ``None`` means unlimited."""

    plan: str
    period: str
    messages: int | None
    subscribers: int | None
    renews_at: float


class Record(msgspec.Struct, frozen=True, gc=False):
    """What became of a tenant's earlier campaigns (R13)."""

    released: int = 0
    """Released after a stage, or the operator's word for it."""
    undecided: int = 0
    """Staged, and without a verdict."""
    bad_at: float = 0.0
    """When the latest was stopped or declined, in seconds UTC; 0: never."""
    proven_at: float = 0.0
    """Consents recorded up to then stand by the operator's word for the sender; 0: there is none."""
    today: int = 0
    """Recipients of this day's (UTC) bulk mail so far."""
    claimed_today: int = 0
    """Of these on the list by the sender's word alone, and in no released campaign yet."""
    fresh_today: int = 0
    """Of these recorded lately otherwise, and in no released campaign yet."""
    usual: int = 0
    """The most bulk recipients on any day of the last 90 before this one; 0: none."""
    bounces: float = 0.0
    """Share of 30 days' bulk mail; 0 where there is too little to tell."""
    complaints: float = 0.0


class Tenant(msgspec.Struct, frozen=True, gc=False):
    id: int
    name: str
    contact: str
    postal: str
    freeze: Freeze
    freeze_reason: str
    verified_domains: frozenset[str]
    all_domains: frozenset[str]
    topics: tuple[str, ...]
    """Names of all topics anyone ever consented to with this tenant."""
    delivered_bulk: int
    """Bulk copies delivered so far."""
    allowance: Allowance
    claimed: frozenset[str] = frozenset()
    """Domains proved to be some tenant's, this one's too, and the operator's own names."""
    record: Record = Record()
    title: str = ""
    """What people read in place of the name; empty: the name."""
    language: str = ""
    """Of people whose own isn't known; empty: English."""
    titles: Mapping[str, str] = {}
    """What people read in place of topics' names, of those that have a title."""
    watched_at: float = 0.0
    """Since when it is watched, in seconds UTC; 0: it never was."""
    watched_until: float = 0.0
    """Until then who gave no consent is recorded and not yet refused."""
    contact_confirmed: bool = True
    """Somebody who reads the contact address said so, or the operator vouches for it (R14)."""
    permits: frozenset[str] = frozenset()
    """Classes of content that the operator allows it (R17)."""
    named: Mapping[str, str] = {}
    """Names and titles of all tenants and the operator's, by what they look like (``relay.mail.skeleton.look_of``)."""


class OperatorFacts(msgspec.Struct, frozen=True, gc=False):
    """Whose relay it is, as the settings say."""

    contact: str = ""
    addresses: tuple[str, ...] = ()
    """Mail addresses, telephone numbers and postal addresses."""
    sites: tuple[str, ...] = ()
    """Domains or URLs."""
    pages: tuple[str, ...] = ()
    """Base URLs of the relay's own pages."""
    letters_to: tuple[str, ...] = ()
    """Domains of the relay's own reverse-paths and unsubscribe addresses."""


class Stream(msgspec.Struct, frozen=True, gc=False):
    id: int
    tenant_id: int
    name: str
    kind: Kind
    topic: str
    """Default topic; ``*`` means that the message names it (Relay-Topic)."""
    consent_required: bool
    default_topic: str = ""
    """On a stream for all: of mail that names none; empty: the tenant's first."""
    footer: str = ""
    """``full``, ``short`` or ``headers``; empty: what its kind has."""
    ground: str = ""
    """What frees it from consent (``relay.values.grounds``); empty where nothing does, or nobody said."""
    essential: bool = False
    """Codes, resets, security alerts: ended only by who was told what is lost."""
    track: str = "none"
    """What is wanted to be known of its copies, of persons who agreed: ``none``, ``opens``, ``clicks`` or ``all``."""
    decoy: bool = False
    """Its tracked copies have a link that only machines find."""
    flow: bool = False
    """Triggered series (welcome, birthday, digest): judged by rolling rates, its first copies are staged once."""


class Consent(msgspec.Struct, frozen=True, gc=False):
    topic: str
    live: bool
    given_at: float
    source: str
    withdrawn_at: float | None
    dated: bool = True
    """Whether ``given_at`` is when the person agreed; else it is when the consent was recorded."""
    since: str = ""
    """The day since when the person is on the list, where that is all that is known: 2026-03-01."""
    page: str = ""
    """Where it was given; may be no address."""
    language: str = ""
    """In which it was given, where that is known."""
    grade: str = ""
    """How well it can be proved: A, B or C."""
    recorded_at: float = 0.0


class Suppression(msgspec.Struct, frozen=True, gc=False):
    reason: Reason
    topic: str | None
    """``None``: everything of this tenant, or of the stream."""
    since: float
    stream_id: int = 0
    """It is for this stream alone; 0: for all of them."""


class Standing(msgspec.Struct, frozen=True, gc=False):
    """What is known of one person with one tenant, at one moment."""

    subscriber_id: int | None = None
    consents: tuple[Consent, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    counted: bool = False
    """Already one of the different subscribers of the running period; asked at RCPT, and only where a further
    subscriber could pass the plan's limit."""
    proved: bool = False
    """The person was in a campaign that was released."""

    def consent(self, topic: str) -> Consent | None:
        for consent in self.consents:
            if consent.topic == topic:
                return consent
        return None


class Recipient(msgspec.Struct, frozen=True, eq=False, gc=False):
    """One accepted forward-path with what its person's standing was at RCPT."""

    address: str
    """As the client gave it, for RCPT and headers: ``local@domain``."""
    canonical: str
    """Key for look-ups: lower case, domain as A-labels."""
    domain: str
    """A-label domain, lower case."""
    standing: Standing
    notify: str = ""
    """NOTIFY of RFC 3461 as given (``NEVER`` or a list), empty if absent."""
    orcpt: str = ""


class Usage(msgspec.Struct, frozen=True, gc=False):
    messages: int
    subscribers: int


class DayFigures(msgspec.Struct, frozen=True, gc=False):
    """A tenant's campaigns of 24 hours added up: many small ones are seen as well."""

    campaigns: int
    delivered: int
    bounced: int
    unsubscribed: int
    complained: int
    tried: int = 0
    """Copies that were tried once, or came to an end before."""
    blind: int = 0
    """Of those delivered: at sites that report no complaints."""
    contested: int = 0
    """People who said that they never agreed."""


class Engagement(msgspec.Struct, frozen=True, gc=False):
    """Openings and clicks of a campaign's tracked copies, those of machines left out and unsure ones counted half."""

    tracked: int
    opened: float
    clicked: float
    usual: float = 0.0
    """Share that opened of the same sender's earlier campaigns; 0: there is no history."""

    def __str__(self) -> str:
        usual = f", usually {100 * self.usual:.0f} %" if self.usual else ""
        return f"opened {self.opened:g} and clicked {self.clicked:g} of {self.tracked} tracked{usual}"


class CampaignFigures(msgspec.Struct, frozen=True, gc=False):
    """Counts of a staged campaign's first part; times in seconds UTC."""

    campaign_id: int
    recipients: int
    held: int
    sent: int
    delivered: int
    bounced: int
    unsubscribed: int
    complained: int
    window_started_at: float
    now: float
    share: int = 1
    """Of ``every`` numbers so many go at once; it grows as a small campaign climbs."""
    reason: str = ""
    """Why it is staged."""
    together: DayFigures | None = None
    """All that the tenant has staged in 24 hours."""
    tried: int = 0
    """Copies that were tried once, or came to an end before."""
    blind: int = 0
    """Of those delivered: at sites that report no complaints."""
    decided: bool = False
    """It was released, and copies of it are still leaving."""
    contested: int = 0
    """People who said that they never agreed."""
    engagement: Engagement | None = None
    """Where copies are tracked."""
