"""What the API takes and says of suppressions, campaigns, figures, the plan and domains, as JSON."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

from relay.values.facts import Reason
from relay.web.api.models import Email, Given, ProblemOut

MOST_IN_IMPORT = 1_000


def _reason(value: Any) -> Reason:
    if not isinstance(value, str) or value not in set(Reason):
        raise ValueError(f"is none of {', '.join(Reason)}")
    return Reason(value)


ReasonField = Annotated[
    Reason,
    BeforeValidator(_reason),
    Field(description="`unsubscribed` ends the person's consents too."),
]


class SuppressionIn(Given):
    """Whom nothing more is to go to."""

    email: Annotated[str, Field(min_length=3, max_length=320, examples=["mary@example.com"])]
    reason: ReasonField = Reason.HAND
    detail: Annotated[str, Field(max_length=500, description="Why, for you.")] = ""


class SuppressionImport(Given):
    """Many at once."""

    suppressions: Annotated[list[SuppressionIn], Field(min_length=1, max_length=MOST_IN_IMPORT)]


class SuppressedOut(BaseModel):
    """What was done."""

    email: str
    reason: str
    changed: bool = Field(description="false: it was so before.")


class SuppressionItem(BaseModel):
    """What became of one: it, or the problem."""

    status: int
    suppression: SuppressedOut | None = None
    problem: ProblemOut | None = None


class SuppressionResults(BaseModel):
    """One result for each, in the order given."""

    added: int
    refused: int
    results: list[SuppressionItem]


class SuppressionRowOut(BaseModel):
    """One suppression."""

    email: str
    reason: str
    topic: str | None = Field(description="null: everything of the tenant.")
    since_at: datetime
    detail: str


class SuppressionList(BaseModel):
    """One page, by address."""

    suppressions: list[SuppressionRowOut]
    next: str | None = Field(description="Cursor of the next page; null at the end.")


class Lifted(BaseModel):
    """Reasons that don't stop the address any more."""

    email: Email
    lifted: list[str]


class FiguresOut(BaseModel):
    """Copies, and persons for the last two."""

    accepted: int
    delivered: int
    bounced: int = Field(description="Refused for good, or given up at the end of their time.")
    deferred: int = Field(description="Tried, waiting for a retry.")
    held: int
    unsubscribed: int
    complained: int
    refused: dict[str, int] = Field(description="Recipients refused, by the reply's word or code.")


class HitsOut(BaseModel):
    """Tracked copies that were opened, or of which a link was followed; each counts once, as its most human hit."""

    total: int = Field(description="Whoever did.")
    human: int
    unsure: int
    proxy: int
    prefetch: int
    scanner: int
    hits: int = Field(description="Each time.")


class CampaignOut(FiguresOut):
    """A campaign and what became of it."""

    id: int
    name: str
    stream: str
    topic: str
    subject: str
    state: str = Field(description="`open`, `staged`, `watching`, `undecided`, `stopped`, `released` or `declined`.")
    why: str
    created_at: datetime
    decided_at: datetime | None
    contested: int = Field(description="People who said that they never agreed.")
    tracked: int = Field(description="Delivered copies whose openings or clicks are known: of people who agreed to it.")
    opened: HitsOut
    clicked: HitsOut


class CampaignList(BaseModel):
    """The newest first."""

    campaigns: list[CampaignOut]
    next: str | None = Field(description="Cursor of the next page; null at the end.")


class CampaignRecipient(BaseModel):
    """One recipient of a campaign."""

    email: str
    state: str
    status: str = Field(description="Enhanced status code (RFC 3463) of the last answer; empty: none as yet.")
    reason: str = Field(description="What was answered last, or why it is held; empty: nothing as yet.")
    remote: str = Field(description="Who answered: host and address.")
    attempts: int
    accepted_at: datetime
    changed_at: datetime
    message: str = Field(description="Id of the message.")


class CampaignRecipients(BaseModel):
    """In the order they came."""

    recipients: list[CampaignRecipient]
    next: str | None = Field(description="Cursor of the next page; null at the end.")


class StopIn(Given):
    """Why; it is kept with the campaign."""

    reason: Annotated[str, Field(min_length=1, max_length=500, examples=["wrong price in the subject"])]


class StatsRow(BaseModel):
    """What became of the copies of one hour, day, campaign, tag, site, link or class."""

    key: str = Field(
        description="The hour or day (UTC), the campaign's name, the tag, the recipients' domain, the link without its"
        " query, or `bounced/…` and `refused/…` with the class."
    )
    accepted: int
    delivered: int
    bounced: int
    deferred: int
    held: int
    unsubscribed: int
    complained: int
    contested: int = Field(description="People who said that they never agreed.")
    refused: int = Field(description="Recipients that were not taken (not by hour, tag and site).")
    opened: int = Field(description="Tracked copies that were opened, whoever did (not by hour and tag).")
    opened_human: int = Field(description="Those of them that a person opened.")
    clicked: int
    clicked_human: int


class StatsOut(BaseModel):
    """By day all that is kept; by campaign, tag and site what was sent since."""

    by: str
    since: date
    rows: list[StatsRow]


class QuotaOut(BaseModel):
    """What the plan allows, and what is used of it."""

    plan: str
    messages_used: int
    messages_limit: int | None = Field(description="null: unlimited.")
    subscribers_used: int
    subscribers_limit: int | None
    renews_at: datetime


class DomainIn(Given):
    """A domain to send from."""

    name: Annotated[str, Field(min_length=1, max_length=253, examples=["news.example.com"])]


class DnsRecordOut(BaseModel):
    """A record to publish; `value` is raw text, neither quoted nor split."""

    name: str
    type: str
    value: str
    purpose: str
    state: str | None = Field(
        description="What DNS shows, where it was asked: `ok`, `missing`, `different`, `unknown`."
    )


class DomainOut(BaseModel):
    """A domain, and the records that prove it."""

    name: str
    verified_at: datetime | None
    verified_by: str
    return_path_at: datetime | None
    selectors: list[str]
    records: list[DnsRecordOut]


class DomainList(BaseModel):
    """By name."""

    domains: list[DomainOut]
