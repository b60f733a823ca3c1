"""English texts of a person's own evidence: why they get mail, contesting it, proofs; ``english`` has the others."""

# ruff: noqa: RUF001 - typographic apostrophes are meant here
from __future__ import annotations

from typing import Final

WHY: Final[dict[str, str]] = {
    "why.title": "Why do you get mail from <bdi>{tenant}</bdi>?",
    "why.title_short": "See why, and say so if it isn’t true",
    "why.lead": "This is what <bdi>{tenant}</bdi> has on record for <bdi>{address}</bdi>.",
    "why.none": (
        "No consent of <bdi>{address}</bdi> is on record. <bdi>{tenant}</bdi> may write only about your own "
        "dealings, such as an order or an account."
    ),
    "why.claims": "What <bdi>{tenant}</bdi> has on record",
    "why.topic": "Topic",
    "why.words": "The words you are said to have agreed to",
    "why.where": "Where",
    "why.when": "When",
    "why.since": "Date not stated. On a list since {since}; taken over on {date}.",
    "why.undated": "Date not stated. Taken over on {date}.",
    "why.how": "How",
    "why.means.double-opt-in": "You filled in a form and confirmed it by a link in a letter to you.",
    "why.means.form": "A form was filled in with this address.",
    "why.means.hand": "Somebody at <bdi>{tenant}</bdi> entered it by hand.",
    "why.means.import": "It came with a list that <bdi>{tenant}</bdi> took over.",
    "why.means.api": "A program of <bdi>{tenant}</bdi> reported it.",
    "why.source": "As <bdi>{tenant}</bdi> describes it",
    "why.ip": "From the network address",
    "why.recorded": "Recorded on",
    "why.proved": "How well it is proved",
    "why.grade.A": "Well: this mail service itself saw you confirm it.",
    "why.grade.B": "Partly: <bdi>{tenant}</bdi> states the time and a network address.",
    "why.grade.C": "Hardly: it is the word of <bdi>{tenant}</bdi> alone.",
    "why.grade.X": "Nothing at the moment: the list that it came with is being looked into.",
    "why.ended": "Ended on",
    "why.proof": "Save the proof of this",
    "why.unproved.title": "There is no proof",
    "why.unproved.lead": "No consent of yours to this was ever recorded, or the record is not what was written.",
    "why.soon.title": "The proof isn’t ready yet",
    "why.soon.lead": "Something was recorded just now. Please try again in two minutes.",
    "why.untrue": "Isn’t that so?",
    "why.untrue_lead": (
        "Say so, and all mailings from <bdi>{tenant}</bdi> to <bdi>{address}</bdi> stop at once. If you never"
        " agreed, <bdi>{tenant}</bdi> is asked for proof until {date}; without it the consent is void for "
        "good."
    ),
    "why.more": "Anything to add? You don’t have to; <bdi>{tenant}</bdi> reads it.",
    "why.never": "I never agreed",
    "why.stranger": "I didn’t know that it was <bdi>{tenant}</bdi>",
    "why.typed": "Somebody else entered my address",
    "why.forwarded": (
        "Was the message forwarded to you, and <bdi>{address}</bdi> isn’t yours? Then its owner is asked by a"
        " letter; nothing stops before."
    ),
    "why.forwarded_button": "It was forwarded to me",
    "why.forwarded.done.title": "The owner is asked",
    "why.forwarded.done.lead": "A letter is on its way to <bdi>{address}</bdi>. Nothing was changed.",
    "why.got": "What you got from <bdi>{tenant}</bdi> lately",
    "why.no_subject": "(no subject)",
    "contested.title": "Mailings from <bdi>{tenant}</bdi> have stopped",
    "contested.said": "You said on {date}: “{plea}”.",
    "contested.lead": (
        "<bdi>{tenant}</bdi> may send no more mailings to <bdi>{address}</bdi>, whatever list is taken over later."
    ),
    "contested.open": (
        "<bdi>{tenant}</bdi> is asked for proof until {date}. The answer will stand on this page; you have "
        "the last word."
    ),
    "contested.answered": "What <bdi>{tenant}</bdi> answered on {date}",
    "contested.file": "Save the evidence",
    "contested.word": "You have the last word. Mailings stay stopped in either case.",
    "contested.refuse": "No, I never agreed",
    "contested.agree": "That’s right, I did agree",
    "contested.conceded": "<bdi>{tenant}</bdi> has no proof. The consent is void for good.",
    "contested.lapsed": "No proof came in time. The consent is void for good.",
    "contested.refused": "You have seen the answer and said no. The consent is void for good.",
    "contested.accepted": (
        "You have seen the answer and agreed with it. Mailings stay stopped all the same; only you can subscribe again."
    ),
    "contested.noted": "<bdi>{tenant}</bdi> is told. There is nothing more you need to do.",
    "own.why.subject": "About mail from {tenant} to you",
    "own.why.asked": (
        "on {date} somebody who got a message of {tenant} that was sent to you said that you should be asked about it."
    ),
    "own.why.please": "Here you see why {tenant} writes to you, and can stop it if you never agreed:",
    "own.why.not_you": "If all is well, there is nothing you need to do: nothing has been changed.",
    "contest.letter.subject": "A person says that they never agreed: proof is asked for until {date}",
    "contest.letter.said": "{address} said on {date} that no consent was given to get mail from {tenant}.",
    "contest.letter.stopped": "All mailings to this address have stopped, also those already waiting.",
    "contest.letter.until": (
        "Please show until {date} how and where the person agreed, as text, file or both. The person sees "
        "your answer and has the last word. Without an answer the consent falls for good. If you have no "
        "proof, concede:"
    ),
    "contest.letter.counts": "How often consents are contested counts for whether campaigns are released.",
    "footer.why": 'Why you get this, or "I never agreed"',
    "permission.title": "Was this mail permitted?",
    "permission.lead": (
        "Mail sent through here can carry a field “Permission”. It names a consent in the log of this "
        "service, without saying whose. Paste the field, or the whole source of the mail."
    ),
    "permission.label": "Field or mail",
    "permission.button": "Check",
    "permission.good": "Yes: the consent stood in the log before the mail was sent, and still does.",
    "permission.wrong": "No: the log doesn’t bear this out.",
    "permission.fault": "No field “Permission” was found in it.",
    "permission.recorded": "The consent was recorded on",
    "permission.then": "The log was signed on",
    "permission.leaf": "Place in the log",
    "permission.key": "Signed by the key",
    "permission.document": "The document by which anybody can check it",
}
