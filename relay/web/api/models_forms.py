"""What the API takes and gives about topics and subscription forms, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from relay.people.topics import MAX_DESCRIPTION
from relay.people.topics import MAX_TITLE as MAX_TOPIC_TITLE
from relay.signup.forms import MAX_FRAMES, MAX_TITLE, MAX_TOPICS
from relay.web.api.models import Given, TopicField, WordingField

NAME = r"^[a-z0-9][a-z0-9-]{0,62}$"

Name = Annotated[str, Field(pattern=NAME, examples=["footer"])]
Topics = Annotated[list[TopicField], Field(min_length=1, max_length=MAX_TOPICS, description="What can be chosen.")]
Title = Annotated[str, Field(max_length=MAX_TITLE, description="Heading; empty: one that names the tenant.")]
TopicTitle = Annotated[
    str, Field(max_length=MAX_TOPIC_TITLE, description="What people read in place of the name; empty: the name.")
]
TopicDescription = Annotated[
    str, Field(max_length=MAX_DESCRIPTION, description="One sentence for forms and preferences.")
]
LanguageCode = Annotated[
    str, Field(pattern=r"^([a-z]{2})?$", description="The form's own; empty: each person's.", examples=["en"])
]
AskAge = Annotated[bool, Field(description="Ask whether the person is 16 or older.")]
AskTracking = Annotated[bool, Field(description="Ask for the consent to being tracked, by a box of its own.")]
Redirect = Annotated[
    str, Field(max_length=2_000, description="Page on a verified domain to end at; empty: the relay's.")
]
Frames = Annotated[
    list[Annotated[str, Field(max_length=300, examples=["https://www.example.com"])]],
    Field(max_length=MAX_FRAMES, description="Origins on verified domains whose pages may show it in a frame."),
]


class TopicIn(Given):
    """A topic to be made: a consent to one that nobody made is refused."""

    name: TopicField
    title: TopicTitle = ""
    description: TopicDescription = ""


class TopicChange(Given):
    """What of a topic is to change; what is left out stays. The name stays: consents are to it."""

    title: TopicTitle | None = None
    description: TopicDescription | None = None


class TopicOut(BaseModel):
    """A topic; `id` stands in pasted forms."""

    id: int
    name: str
    title: str
    description: str


class TopicList(BaseModel):
    """One page of topics, by name."""

    topics: list[TopicOut]
    next: str | None = Field(description="Cursor of the next page; null at the end.")


class FormIn(Given):
    """A form to be made."""

    name: Name
    topics: Topics
    wording: WordingField
    title: Title = ""
    language: LanguageCode = ""
    ask_age: AskAge = False
    ask_tracking: AskTracking = False
    redirect: Redirect = ""
    frames: Frames = Field(default_factory=list)


class FormChange(Given):
    """What is to change; what is left out stays."""

    topics: Topics = Field(default_factory=list)
    wording: WordingField = ""
    title: Title = ""
    language: LanguageCode = ""
    ask_age: AskAge = False
    ask_tracking: AskTracking = False
    redirect: Redirect = ""
    frames: Frames = Field(default_factory=list)


class FormOut(BaseModel):
    """A form as it is."""

    name: str
    key: str
    url: str = Field(description="Its page.")
    title: str
    topics: list[str]
    wording: str
    language: str
    ask_age: bool
    ask_tracking: bool
    redirect: str
    frames: list[str]
    created_at: datetime
    waiting: int = Field(description="Requests that wait for their confirmation.")
    confirmed: int = Field(description="Those confirmed whose link has not ended yet.")
    html: str = Field(description="To paste into a page of the tenant's own; anew after a change of the wording.")
    frame_html: str = Field(description="The same in a frame; empty where none may show it.")


class FormList(BaseModel):
    """All forms, by name; there are at most 100."""

    forms: list[FormOut]
