"""The words by which bounces, delays and automatic answers are known.

One phrase a line, in groups; every group is one regular expression over text
that the callers bound. Gaps in a phrase are bounded too, so that time stays
linear.
"""

from __future__ import annotations

import re


def _any(*phrases: str, flags: re.RegexFlag = re.IGNORECASE) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{phrase})" for phrase in phrases), flags)


# --- what speaks against a dead address --------------------------------------------

FULL = _any(
    r"quota",
    r"mail ?(?:box|folder)\b.{0,30}\bfull\b",
    r"\bfull\b.{0,12}mail ?box",
    r"box is full",
    r"over ?(?:the )?(?:size )?limit",
    r"(?:disk|storage|mailbox) ?(?:space|capacity)",
    r"not enough (?:disk )?space",
    r"insufficient (?:system )?storage",
    r"exceed(?:s|ed|ing)? .{0,40}(?:limit|storage|space|allocation)",
)
_LARGE = _any(
    r"(?:message|mail).{0,12}(?:too|to) (?:big|large)",
    r"size (?:limit )?exceed",
    r"exceeds? .{0,20}(?:message|maximum) size",
)
_RATE = _any(
    r"too (?:many|much|fast)",
    r"rate (?:limit|control)",
    r"\brate\b.{0,24}(?:prevent|limit|exceed)",
    r"throttl",
    r"frequency",
    r"try (?:again )?later",
    r"temporar",
    r"gr[ea]y-?list",
    r"resources",
)
_BLOCKED = _any(
    r"\b(?:block|black|deny|reject|suppress(?:ion)?)[ -]?list",
    r"\bblocked\b",
    r"\bbanned\b",
    r"dnsbl",
    r"\brbl\b",
    r"spamhaus|spamcop|barracudanetworks|sorbs",
    r"reputation",
    r"access denied",
    r"(?:host|client|network|ip)\b.{0,24}(?:not allowed|reject|refused|denied)",
)
_SPAM = _any(r"\bspam", r"\bube\b", r"unsolicited", r"junk mail", r"virus", r"malware", r"infected", r"phish")
_POLICY = _any(
    r"\bpolic(?:y|ies)\b",
    r"\bdmarc\b|\bspf\b|\bdkim\b",
    r"relay(?:ing)?\b.{0,16}(?:denied|not permitted|prohibited|access)",
    r"unable to relay",
    r"not permitted",
    r"authenticat|not authorized|unauthorized|\bauthorization\b",
    r"prohibit|restricted",
    r"preferences",
    r"not (?:a )?member",
    r"sender.{0,24}(?:reject|denied|refus|invalid|unknown|verif|domain|not )",
    r"from address",
    r"content\b.{0,16}(?:reject|denied|refus)",
)
_SUSPENDED = _any(
    r"account\b.{0,40}\b(?:disabled|inactive|suspended)",
    r"\b(?:suspended|deactivated|frozen|on hold)\b",
    r"inactive (?:user|account)",
)
_LOOP = _any(r"hop count", r"too many hops", r"mail loop", r"loops back", r"routing loop")

AGAINST: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("mailbox-full", FULL),
    ("too-large", _LARGE),
    ("loop", _LOOP),
    ("rate", _RATE),
    ("blocked", _BLOCKED),
    ("spam", _SPAM),
    ("policy", _POLICY),
    # RFC 3463 §3.3: a disabled mailbox exists; a suspended account may be opened again.
    ("suspended", _SUSPENDED),
)
"""Kind of failure and its words, the first that is found counts."""

# --- what speaks for one -------------------------------------------------------------

CLEAR = _any(
    r"not listed in .{0,40}(?:directory|address book)",
    r"recipient(?:'s)? (?:name|e-?mail address) (?:is not recognized|was not found)",
    r"address (?:could ?n.t|could not|cannot|can.t) be found",
    r"address (?:was ?n.t|was not|not) found",
    r"(?:account|address|mailbox|user|recipient)(?: that)?(?: you tried to reach| \S{1,80})?"
    r" (?:does not|does ?n.t|do not|no longer) exists?",
    r"no mailbox (?:here )?by that name",
    r"no valid recipients",
    r"recipient ?(?:was )?not ?found",
    r"no longer (?:on (?:this )?server|employed|with (?:us|the company)|a valid address)",
    r"delivery to a non-?existent",
    r"unknown local[- ]part",
    r"this is not a valid mailbox",
)
"""About the address beyond doubt."""

ADDRESS = _any(
    r"(?:user|recipient|account|address|mailbox)(?: is| not)? (?:unknown|known|invalid|not known)",
    r"(?:unknown|invalid|undefined|no such|non-?existent) (?:virtual |local |e-?mail )?"
    r"(?:user|recipient|account|address|mailbox|person)",
    r"mailbox (?:is )?(?:unavailable|not available|not found|disabled)",
    r"(?:user|recipient|account)(?: \S{1,80})? (?:was )?not found",
    r"address(?:ee)? unknown",
    r"not (?:our|a local) (?:customer|user)",
    r"does ?n.t have an? .{1,40} account",
)
"""About the address if it answered RCPT; a filter says so of content too."""

AT_RCPT = _any(
    r"(?:>>>|after|reply to|response to|\bin|\bat|smtp:|\[)\s*(?:the )?RCPT[ _]?(?:TO)?",
    r"RCPT TO (?:response|command|generated)",
)

# --- what kind of message it is --------------------------------------------------------

CUT = _any(
    r"^[> \t]{0,80}(?:Received|Return-Path|DKIM-Signature|X-Received|Message-ID)[ \t]*:",
    r"^[-*=_> \t]{0,80}(?:this is |below (?:this line )?is )a copy of",
    r"^[-*=_> \t]{0,80}(?:included|below) is a copy",
    r"^[-*=_> \t]{0,80}(?:the )?headers? of the original",
    r"^[-*=_> \t]{0,80}(?:returned|original|mail) (?:message|text|mail|header)\b",
    r"^[-*=_> \t]{0,80}unsent message follows",
    r"^[-*=_> \t]{0,80}message headers? follow",
    flags=re.IGNORECASE | re.MULTILINE,
)
"""Where the returned message begins in a text."""

DAEMON = _any(
    r"mailer[-_. ]?daemon",
    r"post[-_]?master",
    r"mail ?delivery",
    r"delivery ?(?:sub)?system",
    r"mail ?administrator",
    r"mail ?system",
    r"mdaemon",
    r"sysadmin",
)
"""In From."""

BOUNCE_SUBJECT = _any(
    r"un-?deliver",
    r"return(?:ed)? (?:mail|message)",
    r"(?:mail|message|delivery)[ -](?:delivery )?(?:fail|status|problem|error|notification|report)",
    r"failure notice",
    r"non-?delivery",
    r"could ?n.t be delivered|could not (?:be delivered|deliver)|not delivered|unable to deliver",
    r"delivery (?:has )?(?:been )?(?:fail|delay)",
    r"delivery warning",
    r"mail system error",
    r"error sending",
    r"bounced? mail",
    r"nicht zugestellt|unzustellbar|non remis|no entregado",
    r"недостав|не доставлен|возвращ",
)
VACATION_SUBJECT = _any(
    r"out of (?:the )?office",
    r"auto(?:matic|mated)?[- ]?(?:re(?:ply|sponse|sponder)|answer)",
    r"\bauto:",
    r"\bvacation\b",
    r"\b(?:annual|on|parental|maternity) leave\b",
    r"\baway (?:from|until|message)",
    r"\babsen(?:ce|t)\b|abwesen",
    r"respuesta autom|r[ée]ponse automatique|risposta automatica|автоответ|poissaolo|kohaloleku|automaatvastus",
)
DELAY = _any(
    r"not yet been",
    r"\b(?:is|are|been|was) (?:being )?delayed",
    r"\bdelayed\b.{0,40}deliver",
    r"delivery.{0,30}\bdelayed\b",
    r"will (?:be retried|(?:keep|continue|be) try|continue to (?:try|be attempted)|try again)",
    r"attempts? (?:to deliver .{0,60})?will continue",
    r"still (?:being |be )?(?:trying|attempting|in the queue)",
    r"(?:this is|just) a warning",
    r"warning message only",
    r"no(?:t| action)? (?:is )?(?:need|required).{0,30}(?:resend|by you|on your part)",
    r"do not need to (?:resend|do)",
    flags=re.IGNORECASE | re.DOTALL,
)
GIVEN_UP = _any(
    r"permanent(?:ly)?\b",
    r"giv(?:en|ing) up|gave up",
    r"fatal error",
    r"will not (?:be )?(?:retr|re-?try|continue)",
    r"cannot be delivered",
    r"no further",
)
FAILURE = _any(
    r"\b(?:un)?deliver",
    r"fail|reject|refus|returned|bounce|unable|error|unknown|quota",
    r"could ?n.t|could not|did not reach",
    r"\b5\d\d\b",
)
