"""The words by which bounces, delays and automatic answers are known.

What they say of the address is ``relay.verdict``'s. One phrase a line, in
groups; every group is one regular expression over text that the callers bound.
Gaps in a phrase are bounded too, so that time stays linear.
"""

from __future__ import annotations

import re


def _any(*phrases: str, flags: re.RegexFlag = re.IGNORECASE) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{phrase})" for phrase in phrases), flags)


CUT = _any(
    r"^[> \t]{0,80}(?:Received|Return-Path|DKIM-Signature|X-Received|Message-ID)[ \t]*:",
    r"^[-*=_> \t|]{0,80}(?:this is |below (?:this line )?is )a copy of",
    r"^[-*=_> \t|]{0,80}(?:included|below) is a copy",
    r"^[-*=_> \t|]{0,80}(?:the )?(?:first \d{1,4} lines|body|headers?) of the (?:original|returned|message)",
    r"^[-*=_>| \t]{0,80}[-*=_>|][ \t]{0,4}(?:returned|original|mail|unsent|your|failed"
    r"|copy of) (?:message|text|mail|header|of)\b",
    r"^(?:returned|original) (?:message|mail|text|header)s?\b",
    r"^[-*=_> \t|]{0,80}unsent message (?:follows|below)",
    r"^[-*=_> \t|]{0,80}(?:message|original) (?:headers?|text|message) follow",
    r"^[-*=_> \t|]{0,80}message header for",
    r"^[-*=_> \t|]{0,80}(?:original|urspr(?:ü|ue)ngliche) (?:nachricht|message|mail|kopfzeilen)",
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
    r"mail ?router|internet ?mail|microsoft exchange|mta\b|bounces?@|symantec|mmdf",
    r"no-?reply@(?:sns|ses)\.",
)
"""In From."""

BOUNCE_SUBJECT = _any(
    r"un-?deliver",
    r"return(?:ed|ing)? (?:your )?(?:mail|message|to sender)",
    r"(?:mail|message|delivery|nondelivery|transmit|transmission)[ -]?(?:delivery )?(?:fail|status|problem|error"
    r"|notification|report|subsystem)",
    r"failure notice|failed mail|failure delivery|delivery failed|mail failed",
    r"non-?delivery|\bndn\b|\bndr\b|\bdsn\b",
    r"could ?n.t be delivered|could not (?:be delivered|deliver)|not (?:be )?delivered|unable to deliver",
    r"cannot deliver|can.t deliver",
    r"delivery (?:has )?(?:been )?(?:fail|delay|incomplete|to the following)",
    r"delivery warning|warning: (?:message|could|e?mail)|delayed mail|mail delayed|still being retried",
    r"mail system error|message (?:not|was not|could not)|error sending|sending (?:error|fail)",
    r"bounced? (?:e-?)?(?:mail|message)|user unknown|unknown user|mail could not",
    r"rejected|problems? (?:delivering|sending)",
    r"nicht zugestellt|unzustellbar|zustellung|nicht ausgeliefert|rückläufer|onbestelbaar|niet afgeleverd",
    r"non remis|non distribu|non d[ée]livr|[ée]chec (?:de|d.)|retour (?:de|[àa])|remise",
    r"no entregad|no se (?:ha )?(?:podido|pudo)|fallo (?:en|de)|devuelto|n[ãa]o (?:foi )?entregue",
    r"falha (?:na|de|no)|devolvid|mancat[ao] (?:recapito|consegna)|recapito|non (?:è stato )?consegnat",
    r"niedostarcz|nie (?:można|został|zostala?) dostarcz|zwrot|nedoru(?:č|c)|kézbes[ií]t",
    r"недостав|не доставлен|не може бути|не удалось|невозможно доставить|возвращ|повернен|ошибк|помилк|не може",
    r"неможлив",
    r"ei (?:õnnestunud|jõudnud)|tagastatud|kohale toimetamata|toimittamatta|palautettu|olevereras|obeställ",
    r"ikke leveret|ikke levert|kunde inte levereras",
    r"配信|送信できま|送達|エラー|不達|未送達|退信|退回|投递失败|无法投递|系统退信",
    r"傳遞失敗|無法傳遞|반송|전송 ?실패|배달",
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
    r"resposta autom|automatisk svar|autosvar|automatische? antwo|odpowied(?:ź|z) automat",
    r"автоматична відповідь|автоматический ответ|不在|自動応答|自动回复|자동 ?응답",
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
    r"warning message only|temporary failure",
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
    r"could ?n.t|could not|did not reach|does not exist|no such",
    r"\b5\d\d\b",
    r"zugestellt|zustell|entregad|entregue|remis|recapit|dostarcz|доставл|配信|送信|送達|投递|退信|배달|전송|inconnu",
    r"desconocid|unbekannt|невідом|неизвест|見つかりま|存在しま",
)
NO_BOUNCE = _any(
    r"challenge|confirm (?:your|this|that)|verification (?:required|needed)|to (?:complete|finish) (?:the )?delivery",
    r"successfully (?:delivered|relayed|sent)|has been (?:successfully )?(?:delivered|relayed)",
    r"was (?:successfully )?delivered",
    r"your message (?:was|has been) (?:read|displayed|opened|received)|read receipt|return receipt|disposition",
)
"""Answers of programs that aren't about a failure, unless a failure stands beside."""

BOUNCE_BEGINS = _any(
    r"(?:could|can|was|were|has|have|will) ?(?:not|n.t|unable to) (?:be )?(?:been )?deliver",
    r"undeliver|delivery (?:to the following|has failed|failed|failure|status)|unable to deliver|failed to deliver",
    r"transcript of session|the following addresses had|mail delivery (?:sub)?system",
)
"""How a notice begins, whatever its header says."""
