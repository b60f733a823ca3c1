"""What the API says of a campaign's content, as JSON."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field


class ContentHeader(BaseModel):
    name: str = Field(description="In lower case.")
    value: str


class ContentPart(BaseModel):
    """A part that is read. What differs between copies stands as `«1»`, `«2»` …"""

    content_type: str
    text: str = Field(description="As a reader sees it, without markup.")
    hidden: str = Field(description="What is in it and not shown to readers.")


class ContentLink(BaseModel):
    url: str = Field(description="What differs between copies stands as `«…»`.")
    host: str = Field(description="Where it leads, in ASCII.")
    reads: str = Field(description="The host as it is read, where it has letters beyond ASCII.")
    words: str = Field(description="What a reader sees of it.")
    places: int
    hidden: bool
    form: bool
    claims: str = Field(description="Another host that its words name.")


class ContentFile(BaseModel):
    name: str
    content_type: str
    size_octets: int
    sha256: str
    inline: bool
    differs: bool = Field(description="Copies have different ones in this place.")


class ContentVarying(BaseModel):
    where: str
    mark: str
    examples: list[str] = Field(description="Of a few copies, while they are held.")


class CampaignContent(BaseModel):
    """One copy of a campaign, with what differs in others taken out."""

    campaign_id: int
    from_: str = Field(alias="from", serialization_alias="from")
    reply_to: str
    subject: str
    headers: list[ContentHeader]
    texts: list[ContentPart]
    links: list[ContentLink]
    attachments: list[ContentFile]
    varies: list[ContentVarying]
    compared: int = Field(description="How many copies were compared.")
    alike: float = Field(description="Share of words that all of them have.")
    complete: bool = Field(description="false: a limit cut something off.")
    sealed: bool = Field(description="Something in it is encrypted.")
    made_at: datetime
    kept: bool = Field(description="true: kept from when copies were held.")
