"""What a subject promises and the message doesn't keep: an answer that is none, a receipt that is an offer."""

# ruff: noqa: RUF001 - words of many alphabets

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from relay.mail.skeleton import shown_letters, skeleton_of

_ANSWER_WORDS: Final = (
    "re", "fw", "fwd", "aw", "wg", "antw", "antwort", "tr", "réf", "ref re", "rv", "rép", "rif", "enc", "res", "sv",
    "vs", "vb", "vl", "ynt", "odp", "pd", "r", "i", "vast", "edasi", "vst", "ответ", "отв", "пересл", "на", "відп",
    "відповідь", "пер", "回复", "转发", "reenv", "reenviado", "respuesta", "réponse", "transfert", "weitergeleitet",
    "forwarded", "reply",
)  # fmt: skip
_ANY_WORD: Final = "|".join(sorted(map(re.escape, _ANSWER_WORDS), key=len, reverse=True))
_ANSWER: Final = re.compile(
    rf"\s*(?:\[[^\]]{{0,40}}\]\s*)?(?:(?:{_ANY_WORD}):){{0,4}}(?:{_ANY_WORD})"
    r"(?:\s*[\[(]\s*\d{1,3}\s*[\])]|\s*\^\d{1,2})?\s*[:\uff1a]\s+\S",
    re.IGNORECASE,
)
_ONE_LETTER: Final = re.compile(r"\s*\w\s?[:\uff1a]\s+(?=[^\W\d_])")
"""As Italian and Portuguese programs write it; a sentence may begin so too, but then goes on in small letters."""
_TIGHT: Final = re.compile(r"\s*(?:re|fw|fwd|aw|wg|tr|rv|sv)\s?[:\uff1a](?=[^\s:])", re.IGNORECASE)

_SERVICE: Final = re.compile(
    r"\b(?:your (?:invoice|receipt|order|password|account|payment|parcel|delivery|booking)|invoice (?:no|number|#)"
    r"|order confirm|payment (?:failed|received|reminder|overdue)|password reset|security alert"
    r"|account (?:suspended|locked|verification|will be suspended)|delivery (?:failed|attempt|notice|notification)"
    r"|missed call|new (?:voicemail|voice message)|unread message|verpasster anruf|neue sprachnachricht"
    r"|ungelesene nachricht|appel manqué|nouveau message vocal|message non lu|llamada perdida"
    r"|nuevo mensaje de voz|mensaje sin leer|vastamata kõne|uus kõnepost|lugemata sõnum"
    r"|пропущенный звонок|новое голосовое|непрочитанное сообщение|пропущений дзвінок|нове голосове"
    r"|непрочитане повідомлення|zustellung fehlgeschlagen|livraison échouée"
    r"|entrega fallida|kohaletoimetamine ebaõnnestus|не удалось доставить|не вдалося доставити|ihre (?:rechnung"
    r"|bestellung|zahlung|sendung)|rechnung nr|zahlungserinnerung|mahnung|bestellbestätigung|votre (?:facture"
    r"|commande|paiement|colis|compte)|facture n|su (?:factura|pedido|pago|paquete|cuenta)|factura n|teie (?:arve"
    r"|tellimus|makse|pakk)|arve nr|tellimuse kinnitus|ваш(?:а|и)? (?:счет|счёт|заказ|чек|посылка|оплата)"
    r"|подтверждение заказа|ваш(?:а|е)? (?:рахунок|замовлення|чек|посилка|оплата)|підтвердження замовлення)\b",
    re.IGNORECASE,
)
_OFFER: Final = re.compile(
    r"\b(?:% off|sale\b|discount|buy now|shop now|order now|free shipping|limited offer|rabatt|jetzt kaufen"
    r"|jetzt bestellen|angebot|schnäppchen|soldes|remise|achetez|commandez|promotion|rebajas|descuento|oferta"
    r"|compra ahora|compre|soodus|allahindlus|osta kohe|pakkumine|скидк|распродаж|купить сейчас|купите|акция|знижк"
    r"|розпродаж|купуйте|купити зараз)",
    re.IGNORECASE,
)
_FACT: Final = re.compile(r"\b(?:\d{4,}|\d+[.,]\d{2})\b")


def false_answer(subject: str, fields: Sequence[str]) -> str:
    """How the subject says that it is an answer or handed on, where no field says to what; empty if it doesn't.

    ``fields``: names of the message's header fields.
    """
    shown = shown_letters(subject)
    found = _ANSWER.match(shown) or _ANSWER.match(skeleton_of(subject))
    if found is None:
        tight = _TIGHT.match(shown)
        if (
            tight is None
            or not subject[tight.end() :][:1].isupper()
            or subject[: tight.end()].strip(": \uff1a").istitle()
        ):
            return ""
        found = tight
    alone = _ONE_LETTER.match(subject)
    if alone is not None and subject[alone.end() :][:1].islower():
        return ""
    if "in-reply-to" in fields or "references" in fields:
        return ""
    return subject.strip()[: found.end()].split(":")[0].strip()[:20] + ":"


def false_service(subject: str, body: str) -> str:
    """What of the person's own the subject speaks of, where the message is an offer without any fact of it."""
    found = _SERVICE.search(subject)
    if found is None or found[0].lower() in body.lower():
        return ""
    offers = {one.lower() for one in _OFFER.findall(body)}
    return found[0] if len(offers) >= 2 and _FACT.search(body) is None else ""
