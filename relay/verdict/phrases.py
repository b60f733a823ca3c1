"""The words that decide, in groups; what the languages other than English say is in ``languages.py``.

One phrase a line. They are looked for in text that ``own_words`` has been
through, on one line; gaps are bounded, so that time stays linear.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from relay.verdict.languages import PHRASES as ELSEWHERE


class PhraseGroup(StrEnum):
    """What a phrase is about."""

    FULL = "full"
    LARGE = "large"
    LOOP = "loop"
    GREYLIST = "greylist"
    LATER = "later"
    RATE = "rate"
    BLOCKED = "blocked"
    SPAM = "spam"
    AUTHENTICATION = "authentication"
    SENDER = "sender"
    RELAYING = "relaying"
    TLS = "tls"
    DISABLED = "disabled"
    POLICY = "policy"
    CONTENT = "content"
    FILTERED = "filtered"
    MOVED = "moved"
    NO_DOMAIN = "no-domain"
    NETWORK = "network"
    EXPIRED = "expired"
    SYSTEM = "system"
    PROTOCOL = "protocol"
    PROGRAM = "program"
    NOBODY = "nobody"
    """The mailbox doesn't exist, beyond doubt and whenever it is said."""
    UNKNOWN = "unknown"
    """The same in words that filters use too, about a message's content."""
    NO_ACCOUNT = "no-account"
    """As NOBODY where a server answers it, whenever; a notice in words may mean a closed account."""
    NAMELESS = "nameless"
    """The same with nothing where an address should stand."""
    REFUSED = "refused"
    """The address is refused without a reason."""
    CLOSED = "closed"
    """The address itself is refused: it stands in the server's own list, or no mailbox can have such a name."""


_BOX: Final = r"(?:mail ?(?:box|folder|store|spool)|account|inbox|user|recipient|message store)"
_WHO: Final = (
    r"(?:user ?(?:name|id|account)?|recipient|m(?:ail[ -]?)?box|account|add?ress(?:ee)?|alias|person|customer"
    r"|subscriber|member|local[- ]?part|login|mail ?drop|e[- ]?mail(?: ?(?:address|account|id))?"
    r"|folder|employee|maildir|rcpt)"
)
_THAT_ONE: Final = (
    r"(?:(?: that)?(?: you (?:tried to reach|entered|specified|are trying to (?:reach|contact|send)|sent to))?)"
)
_NO_MACHINE: Final = "".join(
    rf"(?<!{noun} )"
    for noun in (
        *("client", "host", "server", "sender", "domain", "file", "directory", "record", "list", "header", "zone"),
        *("database", "table", "id", "key", "message", "may", "does", "do", "url", "link", "target"),
    )
)
"""What follows is said of something else than a machine or a file, or of nothing that is named."""

ENGLISH: Final[dict[PhraseGroup, tuple[str, ...]]] = {
    PhraseGroup.FULL: (
        r"quota (?:is |was |has been |would be )?(?:\w+ )?(?:exceed|reach|full|limit|violat)",
        r"(?:over|exceed\w*|out of|beyond|reached|above|at)\b.{0,30}\bquota",
        r"\bquota\b(?!.{0,30}\b(?:sending|sender|outbound|connections?)\b)",
        rf"{_BOX}\b.{{0,40}}\b(?:is |are |was |has been |seems )?(?:\w+ )?(?:over)?full\b",
        r"\bfull\b.{0,14}mail ?(?:box|folder|store)",
        r"box is full",
        r"over ?(?:the |its |their )?(?:allowed |maximum |size |storage |disk |space )*limit",
        r"(?:disk|storage|mail[ -]?box|mail ?store) ?(?:space|capacity|usage)",
        r"(?:not enough|no more|no|insufficient|out of|lack of|low on) (?:free |disk |storage |available "
        r"|mailbox |system )*(?:space|storage)",
        r"insufficient (?:system |disk )?(?:storage|space)",
        r"exceed(?:s|ed|ing)? .{0,40}(?:storage|space|allocation|allotment|mailbox (?:size|limit))",
        r"(?:mail[ -]?box|storage|user|account|recipient)\b.{0,30}(?:size )?(?:limit|allocation|allotment) (?:is "
        r"|has been |was )?(?:exceed|reach)",
        r"(?:mail[ -]?box|account|user|recipient)\b.{0,40}\bexceed.{0,30}(?:limit|size|storage)",
        r"too (?:many|much) (?:messages|mail|e-?mails|unread|stored)[^.]{0,20}(?:in|stored|on) (?:this |the "
        r"|your )?(?:mail|folder|account|inbox|drop)",
        r"mailbox (?:size )?limit",
        r"out of (?:disk|storage)",
        r"delivery failed: over|too much (?:\w+ )?mail (?:waiting|stored|in)",
        r"mail(?:box)? (?:size )?over(?:flow|run)|inbox over(?:flow|run)",
        r"maildir (?:delivery failed: )?over",
        r"recipient storage",
    ),
    PhraseGroup.LARGE: (
        r"(?:message|mail|attachment|body|header)s?\b.{0,24}(?:too|to) (?:big|large|long)\b",
        r"(?:message|mail|body|header|attachment|data|maximum|max)(?! rate) ?(?:size)?\b.{0,30}(?:size|length"
        r"|limit)s? (?:has been |is |was )?(?:limit )?exceed",
        r"exceed(?:s|ed|ing)?\b.{0,40}(?:message|maximum|max\.?|fixed|mail|size|permitted"
        r"|allowed)\b.{0,20}(?:size|length|limit)",
        r"(?:message|mail)\b.{0,30}\bexceed.{0,30}(?:size|limit|length|maximum|bytes|octets)",
        r"(?:message|mail|maximum|max) size (?:is )?(?:\w+ )?limit",
        r"size of (?:the |this |your )?(?:message|mail).{0,40}(?:exceed|limit|larger|greater)",
        r"larger than (?:the )?(?:maximum|limit|allowed|current|\d)",
        r"too large (?:a )?(?:message|mail|for)|message length",
        r"max(?:imum)? (?:message )?size (?:exceeded|is)",
    ),
    PhraseGroup.LOOP: (
        r"hop count",
        r"too many hops",
        r"(?:mail|message|routing|forwarding|delivery|loop) ?(?:forwarding )?loop",
        r"loops? back",
        r"loop (?:detected|count|found)",
        r"too many \"?received",
        r"already (?:been )?(?:visited|here)",
    ),
    PhraseGroup.GREYLIST: (
        r"\bgr[ea]y-? ?list",
        r"postgrey",
        r"(?:first|initial) (?:contact|attempt).{0,40}(?:delay|defer|retry)",
    ),
    PhraseGroup.LATER: (
        r"(?:please |and )?(?:re-?)?try (?:again |back |it |your \w+ |sending )*(?:later|in (?:a|an|\d|few|some)"
        r"|after \d|soon|shortly|tomorrow)",
        r"(?<!es and )(?<!ng and )(?<!ss and )try again(?! with| using| to \w+ address)\W*$",
        r"\btry(?:ing)? later|\bcome back (?:in|later|after)\b",
        r"\blater\b",
        r"temporar(?:y|il)|verification (?:is )?in progress",
        r"at this time",
        r"\bfor now\b",
        r"\bretry\b(?! limit| timeout| time)",
        r"\btransient(?:ly)?\b",
        r"\bdeferr(?:ed|ing)\b",
        r"currently (?:unavailable|not available|busy|overloaded)",
        r"\btoo busy\b|(?:mail[ -]?box|user|server|system) (?:is )?busy\b|overload(?:ed)?\b",
    ),
    PhraseGroup.RATE: (
        r"too (?:many|fast|quickly|frequent|often)(?! (?:hops|received|messages? (?:in|stored)))",
        r"too many messages in this (?:session|connection)",
        r"rate[- ]?(?:limit|control|exceed)",
        r"\bat a rate\b|(?:rcpts|recipients) (?:is|are) over",
        r"\brates?\b.{0,30}(?:prevent|limit|exceed)",
        r"excessive (?:\w+ )?(?:unknown|invalid)",
        r"(?:maximum|number|count|too many|limit) .{0,12}(?:invalid|unknown|bad) (?:recipient|user|address)"
        r"|(?:invalid|unknown|bad) (?:recipient|user)s? (?:count|limit|exceed|rate)",
        r"throttl|\bslow(?:ing)? down\b",
        r"max(?:imum)? (?:number of )?(?:connections|messages|recipients)\b.{0,30}(?:exceed|reach)",
        r"(?:message|mail|connection|session|sending|hourly|daily|volume|recipient) (?:rate|limit|frequency"
        r"|quota)\b.{0,20}(?:exceed|reach|limit)?",
        r"frequency (?:limit|too|of|is)",
        r"\b(?:daily|hourly|monthly)\b.{0,20}\b(?:limit|allowance|maximum)",
        r"(?:exceed\w*|reached).{0,40}(?:messages?|e-?mails?|connections?|recipients?) (?:per|limit|allowed|quota"
        r"|from|an hour|a day)",
        r"\b(?:unusual|excessive) (?:unknown|invalid|rate|volume|number|amount)",
        r"concurren(?:t|cy)",
        r"(?:sending|sender|outbound)\b.{0,20}\bquota|quota .{0,20}(?:sender|sending)",
        r"limit (?:of|on) (?:messages|mails|connections)",
        r"more (?:connections|messages|mail) than",
    ),
    PhraseGroup.BLOCKED: (
        r"(?<!may be )\b(?:block|black|deny|denied|reject|bad|suppress(?:ion)?)[ -]?list",
        r"(?<!account )(?<!account is )(?<!mailbox )(?<!mailbox is )(?<!user )(?<!user is )\bblocked\b",
        r"\bblocking\b|\bblock (?:type|id|reason)",
        r"\bbanned\b|\bban list\b",
        r"\b(?:dns|rh|uri|s)?[bw]l\b|\brbls?\b|dnsbls?\b|\brhsbl\b|\bsurbl\b|\bsbl\b|\bxbl\b|\bpbl\b",
        r"\b(?:spamhaus|spamcop|barracuda|sorbs|uceprotect|senderscore|cloudmark|invaluement|abusix|mailspike"
        r"|trend ?micro|spamrl|hostkarma)\b",
        r"reputation",
        r"\bnot (?:accepting|accept) (?:mail|messages|connections|email) from (?:your|this|you|the)",
        r"(?:\bhost(?!.{0,30}said)|client|network|\bip\b|sender|your server)\b.{0,30}\b"
        r"(?:not allowed|reject|refused|denied"
        r"|unauthori[sz]ed|listed)",
        r"\blisted (?:in|on|by|at)\b(?!.{0,30}(?:directory|address book|domino))",
        r"\b(?:your|the sending|sending|connecting) (?:ip|host|server|network|client|system)\b",
        r"dynamic (?:ip|address|host)|dial-?up|residential",
        r"poor(?:ly)? reput|bad reput",
        r"delist|removal|unblock|dictionary attack|harvest",
        r"abus(?:e|ive)\b(?! (?:desk|@))",
    ),
    PhraseGroup.SPAM: (
        r"\b(?:anti-?)?spam(?:my|mers?|ming|mi?ness|-?like)?\b",
        r"\bube\b|\buce\b",
        r"unsolicited",
        r"junk(?: ?mail)?\b",
        r"\bbulk (?:mail|e-?mail|message)",
        r"\bvirus(?:es)?\b|\bmalware\b|\btrojan\b|\binfected\b|\bphish",
        r"\bsuspicious\b|\bsuspected\b",
        r"\bquarantin",
        r"content (?:is |was )?(?:considered|believed|looks)",
    ),
    PhraseGroup.AUTHENTICATION: (
        r"\bdmarc\b|\bspf\b|\bdkim\b|\barc\b(?= fail)|sender ?id\b",
        r"\bpasswords?\b|\bcredentials?\b|\blog-?in (?:account|name|fail|first|required)",
        r"\bunauthenticated\b|(?:not|is n.t|fail\w*) (?:be )?authenticat",
        r"authentication (?:check|result|fail|information)",
        r"\b(?:rdns|ptr|reverse dns|fcrdns|reverse[- ](?:look ?up|hostname|name|address|mapping))\b",
        r"(?:cannot|could not|can.t|unable to) (?:find|resolve|verify) (?:your|the) (?:host|hostname|reverse|ip"
        r"|server|sender|client|helo)",
        r"(?:invalid|bad|illegal|unknown|no such|not? (?:a )?valid)\b.{0,40}\bin (?:your |the )?(?:helo|ehlo)\b",
        r"dns check fail",
        r"\bclients?\b.{0,20}(?:not exist|not found|unknown)|not (?:on|in) (?:our|the|any) (?:white|allow)[- ]?list",
        r"\b(?:helo|ehlo|auth) (?:user|name|login)\b",
        r"(?:helo|ehlo)\b.{0,40}(?:reject|invalid|not|fail|mismatch|resolv|require)",
        r"unresolvable|not resolv|does not resolve",
    ),
    PhraseGroup.SENDER: (
        r"\bsenders?\b.{0,28}\b(?:reject|denied|refus|invalid|unknown|verif|domain|not |does ?n.t|must|blocked"
        r"|block|unable|fail)",
        r"(?:verif\w*|valid\w*|reject\w*|unknown|invalid|bad|from this|domain of|denied) (?:the |this |your )?sender",
        r"sender['\u2019]?s? (?:address|e-?mail|domain|verify|verification|callout|callback)",
        r"\b(?:mail|envelope|rfc5322|header)[ .-]?from\b(?! (?:this|the|your) )",
        r"return[- ]path|reverse[- ]path|from address|from: (?:header|address)",
        r"callout|\bcall-?back\b|\bsender check|\bsending from\b",
        r"(?<!recipient )(?<!address )verification failed (?:for|while checking)",
        r"\byou(?:.re| are) not an? (?:known|valid|registered|authori[sz]ed|local|recogni[sz]ed)",
        r"\byour (?:address|e-?mail address|domain|account|mail[ -]?box|user(?: ?name)?)\b.{0,30}"
        r"\b(?:not|reject|blocked|invalid|denied|unknown)",
        r"originat(?:or|ing) (?:address|domain|ip|host)",
    ),
    PhraseGroup.RELAYING: (
        r"\brelay(?:ing)?\b.{0,20}\b(?:denied|not (?:permitted|allowed|supported)|prohibited|access|forbidden"
        r"|reject|refus|disallow|deny)",
        r"(?:unable to|cannot|will not|won.t|do(?:es)? not|don.t|may not|not allowed to|not permitted to|no|not"
        r"|deny|refus\w+ to|reject\w*|not an? open) relay",
        r"\brelay (?:not|access)|not a relay|not gateway|no third[- ]party|third[- ]party relay",
        r"\brcpthosts\b",
        r"not (?:a )?(?:locally )?(?:hosted|local|served|permitted|allowed) (?:here|domain|host)",
        r"(?:domain|host)\b(?!.{0,30}said).{0,30}(?:is n.t|not|is not) (?:in my list|one of|hosted"
        r"|local|allowed|permitted|accepted|served|handled|configured)",
        r"we (?:do not|don.t) (?:accept|handle|host|serve|receive) (?:mail|e-?mail|messages)? ?for",
    ),
    PhraseGroup.TLS: (
        r"must issue (?:a )?starttls",
        r"\b(?:starttls|tls|ssl|encrypt(?:ed|ion))\b.{0,30}\b(?:requir|need|mandatory|must|first|enforced)",
        r"\b(?:requir\w*|need\w*|must use|only)\b.{0,20}\b(?:starttls|tls|ssl|encrypt(?:ed|ion))\b",
    ),
    PhraseGroup.DISABLED: (
        rf"{_WHO}\b[^.;]{{0,60}}\b(?:disabled|inactive|suspended|deactivated|de-activated|locked|frozen|dormant"
        rf"|blocked|barred|on hold|not active|is hibernated|hibernat\w+|expired|archived|closed|terminated"
        rf"|cancel+ed|discontinued)",
        r"\b(?:suspended|deactivated|frozen|on hold|dormant)\b",
        rf"\b(?:disabled|inactive|locked|expired|closed|blocked|terminated|dormant) {_WHO}",
        r"not (?:been )?(?:active|activated|enabled)\b",
        r"has been (?:disabled|suspended|discontinued|closed|locked)",
        r"no longer active|mailbox disabled|account (?:is )?over|mail receiving disabled",
        r"(?:mail[ -]?box|account|user|recipient|address)\b.{0,24}\b(?:not accepting (?:mail|messages|e-?mails?)"
        r"|does not (?:accept|receive) (?:mail|messages))",
        r"has not (?:been )?(?:logged|log+ed|used|checked|accessed)",
    ),
    PhraseGroup.POLICY: (
        r"\bpolic(?:y|ies)\b",
        r"\bbatv\b",
        r"not permitted|not allowed|disallowed",
        r"\baccess denied\b|\bdenied\b",
        r"\bauthenticat|not authori[sz]ed|unauthori[sz]ed|\bauthori[sz]ation\b",
        r"prohibit|restrict(?:ed|ion)|forbidden",
        r"\bpreferences\b|\bpermission|\bprivileges?\b",
        r"not (?:a )?member|members? only|only accepts? (?:mail|messages)|allowed senders",
        r"resources restricted|administrat(?:ively|or) (?:denied|prohibit|reject|block)",
        r"\bsecurity (?:polic|reason|violat|restrict|risk|threat|check|control|setting|rule|filter|concern"
        r"|measure|issue)",
        r"(?:for|violat\w+|breach of|due to) security\b",
        r"\bcompliance\b|violat",
        r"\bnon-?members?\b|\bmoderat(?:ed|or)|\blist is closed|\b(?:pgp|gpg|s/mime|public key|encryption key)\b",
        r"\bchallenge\b|confirm(?:ation)? (?:of|your|is|required)",
    ),
    PhraseGroup.CONTENT: (
        r"\bcontents?\b.{0,24}(?:reject|denied|refus|not accept|restrict|filter|unacceptable)",
        r"(?:reject|denied|refus|block)\w*\b.{0,30}\bcontents?\b",
        r"\bundisclosed\b|\b(?:text|body|message) contains\b|\b(?:recipient|to|date|subject) header\b",
        r"\battachments?\b|\bexecutable\b|file (?:type|extension|name)",
        r"(?:bad|missing|invalid|illegal|malformed|duplicate) (?:message[- ]id|header|date|mime|8-?bit|to:|from:"
        r"|subject)",
        r"header (?:error|syntax|check|content)|(?:not|non|violat\w+)[ -](?:\w+ )?rfc",
        r"rfc ?\d+ (?:complian|conform|violation)",
        r"8-?bit|bare (?:lf|cr)|conversion|media (?:not|unsupported)",
    ),
    PhraseGroup.FILTERED: (
        r"\bfilter(?:ed|ing|s)?\b",
        r"\buser (?:has )?(?:refuse|reject)|refuses? to receive",
        r"rejected (?:by|due to) (?:the )?(?:recipient|user|domain)",
        r"(?:by the|the) recipient(?: has| was)? (?:refus|reject|block|declin)",
        r"\bunsubscribed\b|opted[- ]out",
        r"recipient has (?:refus|reject|block|declin)",
        r"(?:user|recipient|person|member|customer|owner)\b.{0,20}\b(?:does not|did not|do(?:es)?n.t)"
        r" (?:want|wish|accept)",
        # What DATA is answered after every recipient was turned away, perhaps for now only.
        r"no valid recipients(?! for\b)",
    ),
    PhraseGroup.MOVED: (
        r"has been replaced by|has moved|have moved|moved to|new (?:e-?mail )?address|address (?:has )?changed"
        r"|changed (?:e-?mail )?address",
        r"please (?:try|use|forward|send)(?: to)? <>",
        r"\bno longer on (?:this )?server",
    ),
    PhraseGroup.NO_DOMAIN: (
        r"\b(?:host|domain)(?: or domain)?(?: name)?(?: <>)? ?(?:is |was )?(?:not found|unknown|un-?known|not known)",
        r"(?:unknown|unrouteable|unroutable|un-?routable|no such|bad|invalid|non-?existent"
        r"|nonexistent) (?:mail )?(?:domain|host|destination host)(?: name)?\b",
        r"(?:domain|host)(?: name)?(?: <>)? (?:does ?n.t|does not|do not|did ?n.t) exists?",
        r"(?:domain|host)\b[^:;]{0,30}\b(?:not|n.t) (?:be )?(?:found|resolved|exist|valid)",
        r"unrout(?:e)?able (?:mail )?(?:domain|address)",
        r"(?:no|null|could ?n.t find (?:a|any)|could not find (?:a|any)|without|has no|have no|not have (?:a|any)"
        r"|lacks?|missing|cannot find (?:a|any)) (?:valid |usable )?(?:mx\b|mail exchangers?|mail servers?"
        r"|a record|a or mx|mx or a|dns record)",
        r"null ?mx|mx (?:record )?(?:is )?null|mx or srv record indicated no smtp",
        r"(?:domain|host|server|system|site)\b.{0,24}\b(?:does not|do not|does ?n.t|never|not) (?:accept(?:s"
        r"|ing)?|receive|take|handle) (?:any )?(?:e-?mail|mail|messages|smtp)",
        r"(?:account|user|address) or domain may not exist|able to find the (?:recipient|destination)'?s? domain",
        r"nxdomain|non-?exist[ae]nt domain|name or service not known|no address associated",
        r"host ?name lookup failed|dns hard error|domain name not found",
        r"(?:domain|recipient ?domain)\b.{0,30}\b(?:expired|(?:no longer|not) in use|no longer (?:exists?|valid|hosted"
        r"|used|accepts?|available))",
        r"address resolution of .{0,60} failed|no route to domain|unable to route|bad destination host",
        r"bad destination system",
        r"could ?n.t find any host (?:named|by that name)|domain (?:is )?not used for (?:e-?)?mail",
        r"\bno such domain|illegal host|host is unknown|host unknown",
        r"domain is (?:not|un)[ -]?reachable|domain must exist",
        r"point(?:s|ing)? to (?:a )?non-?existent (?:host|domain)s?",
        r"illegal host/domain|invalid (?:recipient|destination) domain",
    ),
    PhraseGroup.NETWORK: (
        r"connection (?:timed out|refused|reset|lost|dropped|closed|failed)|timed? ?out|time-?out",
        r"no route to host|network (?:error|is unreachable|unreachable)|unreachable",
        r"malformed or unexpected|server failure|servfail|try ?again dns|name ?server (?:error|fail)",
        r"dns (?:error|fail|query fail|server|timeout)",
        r"could not connect|unable to connect|cannot connect|failed to connect|can.t connect|not connect",
        r"lost connection|no answer from host|bad connection|not responding|did not respond",
        r"all (?:relevant )?(?:mx|hosts)\b.{0,40}(?:fail|down)",
    ),
    PhraseGroup.EXPIRED: (
        r"(?:message|mail|delivery|retry|queue|lifetime|ttl|time)\b.{0,30}\b(?:expired|exceeded its"
        r"|time(?:d)? out|timeout exceeded)",
        r"expired\b.{0,24}\bmessage|too old|been in the queue too long",
        r"retry time(?:out)? (?:not reached|exceeded)|could not be delivered for \d",
        r"not delivered (?:for|within|after|in) \d",
        r"delivery time expired|retention time|undeliver\w* (?:for|after) \d+",
    ),
    PhraseGroup.SYSTEM: (
        r"(?:internal|system|server|local|configuration|config|software|i/o|disk|database|ldap|backend) (?:error"
        r"|problem|failure|fault|misconfig|configuration)",
        r"(?:user|recipient|account|mail[ -]?box|address|alias) (?:data ?base|directory|server|look ?up|verification"
        r"|store) (?:is |was |has )?(?:not found|error|fail|unavail|not (?:available|responding)|missing|time|down)",
        r"\b(?:ldap|database|backend|directory)\b.{0,16}\b(?:unavailable|refused|down\b|not (?:available|found)|fail)",
        r"error (?:in|during|while) (?:process|look ?up|configuration)|look ?up (?:error|fail)",
        r"out of (?:memory|resources|processes)|insufficient resources|resources",
        r"service (?:is )?(?:unavailable|not available)|shutting down|not available right now|system not accepting",
    ),
    PhraseGroup.PROTOCOL: (
        r"(?:command|argument|parameter)s?\b.{0,24}(?:unrecogni[sz]ed|not recogni[sz]ed|not implemented|unknown"
        r"|out of sequence|syntax|invalid|unsupported)",
        r"bad sequence|syntax error|unrecogni[sz]ed command|protocol (?:error|violation)|pipelining",
    ),
    PhraseGroup.PROGRAM: (
        r"procmail|maildrop|\bpipe\b|mail\.local|\bcannot create\b|couldn.t create|can.t create",
        r"permission denied|no such file|(?<!is the mail )delivery agent|exited with|signal \d|broken pipe",
        r"command (?:output|failed|died)|\|/\w|mailer (?:error|died)",
    ),
    PhraseGroup.NOBODY: (
        r"not listed in .{0,60}(?:director|address book)|\bno <> in .{0,20}directory",
        r"recipient(?:'s)? (?:name|e-?mail address) (?:is not recogni[sz]ed|was not found)",
        rf"address{_THAT_ONE} (?:could ?n.t|could not|cannot|can.t) be found|address (?:was ?n.t|was not|not) found",
        rf"{_WHO}(?:{_THAT_ONE}| <>| \S{{1,40}})?"
        r" (?:does not?|do(?:es)? ?n.?t|dosn.?t|do not|did not|no longer|is not)"
        r" (?:seem to |currently |appear to )?exists?",
        r"<> (?:was ?n.t|was not|could ?n.t be|could not be) found (?:at|in|on)\b",
        r"mail[ -]?box <> is unavailable: user not found",
        rf"(?:no|not|isn.t|is not an?) (?:such )?(?:valid )?(?:active )?{_WHO}s? (?:here )?(?:by|with|under"
        rf"|of) (?:that|this) (?:name|address)",
        r"no mailbox (?:here )?by that name|no (?:local |valid |such )mail[ -]?box (?:here|for|on|by|with)\b",
        r"we (?:do not|don.?t) have (?:that|this|such an?|any such|an?)"
        r" (?:mail[ -]?box|user|account|address|recipient)",
        r"(?:does not|doesn.?t|no longer) works? (?:here|for us|for this|at this)",
        r"no va(?:li|il)d (?:recipient|mail[ -]?box|user|account)\b(?! from| in (?:the )?(?:to|header))",
        r"no such recipient|no valid recipients for",
        r"no longer (?:on (?:this )?server|employed|with (?:us|the company|this (?:company|organi[sz]ation))"
        r"|a valid (?:address|user|recipient|e-?mail)|works?|valid|in use|in service|a customer"
        r"|an? (?:\w+ )?(?:employee|member|user|customer))",
        r"(?:has left|left the (?:company|organi[sz]ation))",
        r"delivery to a non-?existent",
        r"unknown local[- ]part|local[- ]?part (?:is )?(?:unknown|not found)",
        r"this is not a valid mailbox|not a valid (?:mailbox|recipient|user|account)",
        rf"{_WHO}(?: <>)? is no longer available",
        r"(?:couldn.t|could not|cannot|can.t|unable to) find (?:a |the |any |this |that |your )?(?:alias |local )?"
        r"(?:mail[ -]?box|recipient|user|person|address|account)(?! (?:mx|mail ?exchange))",
        r"mail[ -]?box (?:name )?(?:unknown|not ?found|does not exist|nonexistent)",
        r"action aborted, mail[ -]?box invalid",
        r"no account (?:by|with|for|exists)|no such account|account not found|no mailbox (?:here|for|found|on)",
        r"resolver adr .{0,30}(?:not found|ambiguous|invalid)",
        r"there is no (?:one|such|user|person|account|mailbox|recipient|\S{1,30} (?:here|at this))",
        r"nobody (?:here )?(?:by|with|of) that name|no ?one (?:here )?(?:by|with) that (?:name"
        r"|(?:e-?mail )?address)",
        r"no user with that (?:name|address)|not (?:a )?known (?:user|recipient|here)",
        r"5\.1\.1 (?:user|recipient|mailbox|bad destination)",
        r"vpopmail.{0,30}(?:no such|not)|dead-?letter",
        r"is ?n.t a (?:valid )?(?:user|mailbox|account) (?:here|on)",
        r"(?:account|mailbox|user|address) (?:is )?not hosted (?:here|on|by|at)\b",
        r"invalid final delivery user",
        r"no longer accepts? (?:e-?)?mail|missing home directory|no mail[ -]?box available for",
        r"(?:user|recipient|address) (?:is )?not (?:a )?member of (?:the |this )?(?:domain|organi[sz]ation|system)",
        r"not in my validrcptto|(?:address|mailbox|recipient|user) (?:is )?not present",
    ),
    PhraseGroup.UNKNOWN: (
        rf"{_WHO}s?(?: address| name|<>| <>)*:?(?: (?:is|was|are|were|has))?(?: been)?(?: not| permanently| marked as)?"
        rf"[ -](?:unknown|unkown|known|invalid|undefined|not known|not valid|not registered|not on file"
        r"|not recogni[sz]ed|un-?recogni[sz]ed|deleted|removed|ambiguous|unroute?able)"
        r"(?! (?:error|problem|reason|failure|cause)\b)",
        rf"(?:unknown|unkown|un-?recogni[sz]ed|invalid|undefined|no such|non[- ]?exist(?:ent|ant|ing)|not an? existing"
        rf"|not a known|bad|wrong|incorrect|illegal|nonexisting|not exist\w*)"
        rf"[ -](?:virtual |local |e-?mail |mail |destination |final |delivery |rcpt |to |a |forward "
        rf"|recipient(?:'s)? )*{_WHO}",
        r"mail[ -]?box (?:is )?(?:not found|inaccessible)",
        rf"{_WHO}(?: <>| (?!database|table|server|directory|lookup|store|map|name ?space)\S{{1,40}})?"
        rf" (?:was |is |were |are |could |can )*(?:not|n.t)(?: be)? found",
        rf"{_WHO}(?: <>)? (?:could|can) ?(?:not|n.t) be (?:verified|resolved|located|reached)",
        r"address(?:es|ees?)? (?:is |are |was |were )?unknown|unknown address",
        r"not an? (?:active|local|valid|existing|deliverable) (?:e-?mail )?address",
        r"(?:recipient|account) is not local\b",
        r"not one of our (?:own )?(?:addresses|users|customers|mailboxes)|no recipients? for .{0,20}\bhere\b",
        r"\bno mail[ -]?box\b|^\W{0,3}(?:5\d\d[ -])?<>[:,]? (?:is )?(?:unknown|not found)\b",
        r"resolver adr .{0,20}not ?found|notfound",
        r"not (?:our|a local) (?:customer|user)",
        r"no such (?:user|person|mailbox|address|recipient|name|mail ?drop|local|id\b)|nosuchuser|user unknown",
        r"unknown user|no user\b|unknownuser",
        rf"{_NO_MACHINE}(?:does not|doesn.?t|do not|not) exist",
        r"<>\W{0,3} (?:is )?not (?:used|in use)\b",
        r"\brcpt(?: to)?:? ?<> (?:is )?(?:unknown|invalid|not found)",
        r"no record of (?:that|this|such an?|the) (?:user|account|mail[ -]?box)",
        r"(?:don.t|does ?n.t|do not|does not) exists? (?:that|this|the|such) (?:user|mailbox|account)",
        r"not (?:a )?(?:user|account|mailbox) (?:of|on|at) this",
        r"not a (?:user|recipient|mailbox)(?: here)?|not handled (?:here|by this)|not here\b",
        r"recipient verify (?:from \w{1,12} )?(?:failed|denied)|(?:failed|fails) (?:recipient )?(?:verif|validation)",
        r"verif\w+ failed for (?:the )?recipient|undeliverable address",
        rf"not an? (?:valid|recogni[sz]ed|known|current) (?!sender)(?:\w{{1,12}} )?{_WHO}",
        r"recipient(?: address)?\b.{0,20}not in (?:my|our|the) (?:local )?list\b",
        r"not (?:in|on) (?:the )?recipients? list",
        r"(?:not|n.t) in (?:my|our|the) list of (?:allowed |valid |local )?(?:recipients?|users?)\b",
        r"not known (?:at|on|to) (?:this|our) (?:site|system|server|domain|host)",
        r"\bunknown in .{0,30}(?:recipient|alias|mailbox|user) table",
        r"bad (?:destination )?(?:address|mailbox|recipient|user)(?: syntax)?|(?:address|recipient|mailbox) syntax",
        r"unrouteable address|unroutable address",
        r"mailbox for .{0,40} (?:does|unknown|not)",
        r"recipient ?(?:e-?mail )?(?:address )?(?:was |is |were )?not ?found",
    ),
    PhraseGroup.NO_ACCOUNT: (r"do(?:es)? ?(?:n.t|not) have an? .{0,40}(?:account|mail[ -]?box|delivery point)",),
    PhraseGroup.NAMELESS: (
        r"(?:^|\b[45]\d\d[ -]|-> )[45\d ]{0,8}: ?(?:user|recipient|mailbox) (?:unknown|not found)",
        r"\b[45]\d\d: : ?user unknown",
    ),
    PhraseGroup.REFUSED: (
        r"(?:recipient|address|rcpt|user|mailbox)(?: address(?:es)?| to)? ?(?:<+>+)?:? ?(?:is |was |are "
        r"|has been )?(?:reject|refus|not accept|declin)",
        r"(?:reject\w*|refus\w*|invalid|cannot accept|not accept\w*|declin\w*) (?:the |this |your |all |for |by "
        r"|policy )*(?:recipient|address|rcpt)",
        r"mail[ -]?box (?:<> )?(?:is )?(?:unavailable|not available)",
        r"unavailable (?:mail[ -]?box|(?:mail )?user|recipient)",
        r"(?:could not|cannot|can.t|unable to) (?:verify|validate) (?:the |this )?"
        r"(?:recipient|address|user|mail[ -]?box)",
        r"cannot be delivered to (?:this|that) (?:address|recipient|user)",
        r"(?:mail[ -]?box|account|user)(?: account)? (?:is )?unavai\w{0,2}able",
        r"(?:recipient|user|rcpt)(?: <>)? not ok|can.t accept (?:user|recipient)",
        r"\b5\d\d[ -]<>:? rejected\b(?! (?:by|due|because|as|for|since))",
        # What a server found that asked the next one: the reason stands behind it, and may be that nobody answered.
        r"recipient(?: address)?(?: <>)? (?:is )?unverified|unverified (?:address|recipient)",
    ),
    PhraseGroup.CLOSED: (
        r"bad(?:rcptto|recipientto)|envelope recipient (?:is in my|has been denied)",
        r"mail[ -]?box name (?:is )?(?:not allowed|invalid)",
        r"(?:restricted|illegal|invalid|bad) characters? in (?:the )?(?:address|local[- ]?part|recipient|mail[ -]?box)",
    ),
}


def _compiled(group: PhraseGroup) -> re.Pattern[str]:
    phrases = ENGLISH.get(group, ()) + ELSEWHERE.get(group.value, ())
    return re.compile("|".join(phrases))


PATTERNS: Final[dict[PhraseGroup, re.Pattern[str]]] = {group: _compiled(group) for group in PhraseGroup}
"""Every group's phrases as one expression, for text in lower case: that is quicker than to ignore the case."""


def found_in(text: str) -> dict[PhraseGroup, str]:
    """The groups that have a phrase in ``text``, with the words as they stand there."""
    lower = text.lower()
    shown = text if len(lower) == len(text) else lower
    found: dict[PhraseGroup, str] = {}
    for group, pattern in PATTERNS.items():
        match = pattern.search(lower)
        if match:
            found[group] = shown[match.start() : match.end()][:120]
    return found
