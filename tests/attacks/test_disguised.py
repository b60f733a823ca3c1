"""Disguises that came later: numbers in words, names at messengers, others' names, look-alike domains (R14 to R16)."""

# ruff: noqa: RUF001 - letters of many alphabets are meant here

from __future__ import annotations

import base64
import random
from collections.abc import Iterator

import pytest

from tests.attacks.conftest import Ground
from tests.support.peers import until
from tests.support.smtp import Dialog, Reply

SYLLABLES = ("ka", "lo", "mi", "ren", "tas", "vel", "dor", "ni", "sa", "tu", "pel", "gar", "is", "on", "el", "ba", "ri")
WHO = "reader@people.example"
OPERATOR: dict[str, object] = {
    "contact": "support@relay.test",
    "addresses": ["+372 5555 0100", "Pikk 15, 10123 Tallinn", "@relay_helpdesk"],
    "sites": ["https://relay.test"],
}


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


FLIP = str.maketrans("abcdefghijklmnopqrstuvwxyz.@", "ɐqɔpǝɟƃɥᴉɾʞlɯuodbɹsʇnʌʍxʎz˙@")
TEXTS = {
    "number words en": "Call plus three seven two, five five five five, zero one zero zero",
    "number words double": "Ring three seven two double five double five oh one oh oh",
    "number words de": "Ruf an: drei sieben zwei fünf fünf fünf fünf null eins null null",
    "number words ru": "Звоните: три семь два пять пять пять пять ноль один ноль ноль",
    "number words fr": "Appelez trois sept deux cinq cinq cinq cinq zéro un zéro zéro",
    "number words et": "Helista kolm seitse kaks viis viis viis viis null üks null null",
    "number words mixed": "Call +372 five-five-five-five 0100",
    "phone dashes": "Call +372-55-55-01-00",
    "phone dots": "Call 372.55.55.01.00 now",
    "phone slashes": "Call 00372/5555/0100",
    "phone letters O": "Call +372 5555 O1OO",
    "phone letters S": "Call +372 SSSS 0l00",
    "phone arabic": "Call +٣٧٢ ٥٥٥٥ ٠١٠٠",
    "phone keycaps": "Call +3️⃣7️⃣2️⃣ 5️⃣5️⃣5️⃣5️⃣ 0️⃣1️⃣0️⃣0️⃣",
    "phone circled": "Call ③⑦②⑤⑤⑤⑤⓪①⓪⓪",
    "phone math": "Call +𝟑𝟕𝟐 𝟓𝟓𝟓𝟓 𝟎𝟏𝟎𝟎",
    "phone lines": "Call\n+372\n5555\n0100",
    "phone spaced": "Call 3 7 2 5 5 5 5 0 1 0 0",
    "phone bars": "Call +372|5555|0100",
    "phone zero width": "Call +372 55\u200b55 01\u200b00",
    "phone underscores": "Call 372_5555_0100",
    "phone brackets": "Call [372][5555][0100]",
    "whatsapp": "https://wa.me/37255550100",
    "viber": "viber://chat?number=%2B37255550100",
    "flipped": "support@relay.test".translate(FLIP)[::-1],
    "parenthesised": "⒮⒰⒫⒫⒪⒭⒯@⒭⒠⒧⒜⒴.⒯⒠⒮⒯",
    "struck": "".join(c + "\u0336" for c in "support@relay.test"),
    "address other order": "Visit us: Tallinn 10123, Pikk 15",
    "address lines": "Pikk 15\n10123\nTallinn",
    "address spaced": "P i k k  1 5, 1 0 1 2 3  T a l l i n n",
    "backwards hint": "read backwards: tset.yaler@troppus",
    "dot as word hu": "support kukac relay pont test",
    "dot as word pl": "support małpa relay kropka test",
    "dot as word it": "support chiocciola relay punto test",
    "dot as word nl": "support apenstaartje relay punt test",
    "dot as word pt": "support arroba relay ponto test",
    "dot as word lv": "support et relay punkts test",
    "dot as word fi": "support ät relay piste test",
    "dot as word sv": "support snabela relay punkt test",
    "dot as word tr": "support et relay nokta test",
    "at sign written": "support (at sign) relay (dot) test",
    "at in braces": "support {at} relay {dot} test",
    "removeme": "support@NOSPAM.relay.test (remove NOSPAM)",
    "removeme two": "support@relayREMOVE.test",
    "split with plus": "support + @ + relay + . + test",
    "comma for dot": "support@relay,test",
    "two lines": "support@\nrelay.test",
    "words between": "mailbox: support, domain: relay.test",
    "site spaced": "r e l a y . t e s t",
    "site brackets": "relay[.]test",
    "site hxxp": "hxxps://relay[dot]test",
    "site words": "relay point test",
    "site userinfo": "https://acme.example@relay.test/x",
    "site backslash": "https:\\\\relay.test\\x",
    "site ideographic": "https://relay。test/",
    "site percent": "https://relay%2Etest/",
    "site percent letters": "https://%72%65%6c%61%79.test/",
    "site greek": "https://rεlαy.test",
    "site armenian": "ոelay relaу.test",
    "site unicode url": "https://ｒｅｌａｙ.test",
}
HANDLES = (
    "Telegram: relay_helpdesk",
    "@relay_helpdesk",
    "t.me/relay_helpdesk",
    "tg://resolve?domain=relay_helpdesk",
    "@ relay _ helpdesk",
    "https://telegram.me/relay_helpdesk",
    "Insta @relay.helpdesk",
    "телеграм rеlаy_hеlpdеsk",
)
MARKUP = {
    "letters in cells": "<table><tr>" + "".join(f"<td>{c}</td>" for c in "relay.test") + "</tr></table>",
    "letters in lines": "<br>".join("relay.test"),
    "letters in divs": "".join(f"<div>{c}</div>" for c in "support@relay.test"),
    "alt of several": "<img alt='support'><img alt='@'><img alt='relay'><img alt='.test'>",
    "alt with words": "<img src='x.png' alt='QR: mailto colon support at relay dot test'>",
    "qr service": "<img src='https://qr.example/?data=mailto%3Asupport%40relay.test'>",
    "qr service base64": f"<img src='https://qr.example/?d={b64('mailto:support@relay.test')}'>",
    "qr phone": "<img src='https://qr.example/?data=tel%3A%2B37255550100'>",
    "aria label": "<p aria-label='support@relay.test'>x</p>",
    "input value": "<input value='support@relay.test'>",
    "placeholder": "<input placeholder='support@relay.test'>",
    "svg text": "<svg><text>support@</text><text>relay.test</text></svg>",
    "svg data": f'<img src="data:image/svg+xml;base64,{b64("<svg><text>support@relay.test</text></svg>")}">',
    "svg data plain": '<img src="data:image/svg+xml,%3Csvg%3E%3Ctext%3Esupport%40relay.test%3C/text%3E%3C/svg%3E">',
    "css attr": "<style>p::after{content:attr(data-x)}</style><p data-x='support@relay.test'>",
    "css var": "<style>:root{--a:'support@re';--b:'lay.test'}p::after{content:var(--a) var(--b)}</style><p>",
    "noscript": "<noscript>support@relay.test</noscript>",
    "template": "<template>support@relay.test</template>",
    "conditional": "<!--[if mso]>support@relay.test<![endif]-->",
    "wbr": "support@re<wbr>lay.te<wbr>st",
    "hidden between": "support@re<span style='display:none'>xx</span>lay.test",
    "tiny between": "support@re<span style='font-size:0'>xx</span>lay.test",
    "zero width entity": "support@re&#8203;lay.te&zwnj;st",
    "double entity": "support&amp;#64;relay&amp;#46;test",
    "form action": "<form action='https://relay.test/x'><input type=submit></form>",
    "meta refresh": "<meta http-equiv=refresh content='5;url=https://relay.test/'>",
    "base": "<base href='https://relay.test/'><a href='x'>here</a>",
    "background": "<td background='https://relay.test/a.png'>x</td>",
    "srcset": "<img srcset='https://relay.test/a.png 2x'>",
    "css url": '<p style="background:url(https://relay.test/a.png)">x</p>',
    "link utf16 percent": "<a href='https://a.example/?u=%u0072elay.test'>x</a>",
    "redirect hex": "<a href='https://a.example/?u=" + b"https://relay.test/".hex() + "'>x</a>",
    "redirect base32": "<a href='https://a.example/?u="
    + base64.b32encode(b"https://relay.test/x").decode()
    + "'>x</a>",
    "redirect reversed": "<a href='https://a.example/?u=" + "https://relay.test/"[::-1] + "'>x</a>",
    "redirect double b64": "<a href='https://a.example/?u=" + b64(b64("https://relay.test/xyz")) + "'>x</a>",
    "rtl attr": "<p dir=rtl>tset.yaler</p>",
    "rtl bidi": "<span style='unicode-bidi:bidi-override;direction:rtl'>0010 5555 273+</span>",
    "phone hidden digit": "+372 55<i style='display:none'>9</i>55 0100",
    "phone in sup": "+372 5555 <sup>0</sup><sub>1</sub>00",
    "phone tel": "<a href='tel:+372-5555-0100'>call</a>",
    "ruby": "<ruby>support<rt>@</rt></ruby>relay.test",
    "details": "<details><summary>more</summary>support@relay.test</details>",
    "object": "<object data='mailto:support@relay.test'></object>",
    "amp": "<p>&#115;upport&commat;relay&period;test</p>",
}
NEAR = (
    "The relay race: test runs at ten, support at the gate.",
    "Call three seven two five five five five zero one zero one about the parcel.",
    "Order 3725555010012 was paid, invoice 5555-0101.",
    "Telegram from 1910 on show: the relay help desk of the railway.",
    "Pikk street 7, Tallinn, is open until 15; book at desk 10123.",
    "Remove this label, no spam in the tin: relay recipe test.",
    "Numbers one two three four five six seven are on the doors.",
    "Our relay helpdesk moved; ask at the desk.",
    "+44 372 5555 0100 22 is the meter's number.",
    "Test the relay, then support the beam.",
)
# From name, subject, where answers go.
POSING = (
    ("PayPal", "News", ""),
    ("PayPaI Service", "News", ""),
    ("Pаypal", "News", ""),
    ("P a y P a l", "News", ""),
    ("Apple ID Support", "News", ""),
    ("Microsoft 365 Security Team", "News", ""),
    ("DHL Express Lieferung", "News", ""),
    ("Deutsche Post Paket", "News", ""),
    ("La Banque Postale", "News", ""),
    ("Correos - su envío", "News", ""),
    ("Сбербанк", "News", ""),
    ("ПриватБанк", "News", ""),
    ("Swedbank", "News", ""),
    ("Omniva tarne", "News", ""),
    ("Netflix billing", "News", ""),
    ("Amazon.de Kundenservice", "News", ""),
    ("Booking.com", "News", ""),
    ("Instagram Security", "News", ""),
    ("WhatsApp Support", "News", ""),
    ("Facebook Ads Team", "News", ""),
    ("Google Account", "News", ""),
    ("Mailer-Daemon", "News", ""),
    ("Mail Delivery System", "News", ""),
    ("postmaster", "News", ""),
    ("LHV Pank", "News", ""),
    ("Coinbase", "News", ""),
    ("Binance Security", "News", ""),
    ("FedEx", "News", ""),
    ("Steam Support", "News", ""),
    ("news@paypal.com", "News", ""),
    ("paypal.com", "News", ""),
    ('"service@paypal.com"', "News", ""),
    ("paypal (dot) com", "News", ""),
    ("Acme", "Re: your question", ""),
    ("Acme", "RE : Ihre Anfrage", ""),
    ("Acme", "Fwd: Rechnung", ""),
    ("Acme", "AW: Termin", ""),
    ("Acme", "TR : votre dossier", ""),
    ("Acme", "RV: factura", ""),
    ("Acme", "Ответ: ваш вопрос", ""),
    ("Acme", "Відп: ваше питання", ""),
    ("Acme", "Vs: teie päring", ""),
    ("Acme", "[Ticket 55] Re: your call", ""),
    ("Acme", "Ｒｅ： hello", ""),
    ("Acme", "R\u200be: hello", ""),
    ("Acme", "Re[2]: hello", ""),
    ("Acme", "Fw:Fw: hello", ""),
    ("Acme", "Rе: hello (cyr)", ""),
    ("Acme", "News", "help@paypal.com"),
    ("Acme", "News", "Acme <acme@service-paypal.com>"),
    ("Acme", "News", "acme@paypal.com.account-check.ru"),
    ("Acme", "News", "acme@paypa1.com"),
    ("Acme", "News", "acme@pаypal.com"),
    ("Acme", "News", "acme@xn--pypal-4ve.com"),
    ("PayPal via Acme", "News", ""),
    ("Acme (PayPal)", "News", ""),
    ("PayPal | Acme", "News", ""),
)
HONEST = (
    ("Acme", "Regarding your garden", ""),
    ("Acme", "Return of the swallows", ""),
    ("Acme Reisen", "Re-opening on Monday", ""),
    ("Anna from Acme", "Forward march: our brass band", ""),
    ("Acme", "Fw 190: aircraft at the museum", ""),
    ("Apple orchard Acme", "News", ""),
    ("Acme Post", "News", ""),
    ("Acme Bank of seeds", "News", ""),
    ("Steam railway friends", "News", ""),
    ("Acme", "News", "acme@gmail.com"),
    ("Acme", "News", "shop@acme.example"),
    ("Amazon river tours", "News", ""),
    ("Visa advice Acme", "News", ""),
    ("Acme Express cargo bikes", "News", ""),
    ("Acme", "Res judicata explained", ""),
    ("Acme", "Vs. the world: concert", ""),
    ("Acme Orange juice", "News", ""),
    ("Discovery club Acme", "News", ""),
    ("Shell collectors", "News", ""),
    ("Target archery club", "News", ""),
    ("Acme", "I: the first letter of our alphabet", ""),
    ("Acme", "R: learn the language", ""),
    ("Acme", "TR 7 owners meet", ""),
    ("Acme", "AW 26: new collection", ""),
    ("Acme", "Odp station closed", ""),
)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    made = Ground(tmp_path_factory.mktemp("disguised"), operator=OPERATOR)
    made.agree(WHO)
    yield made
    made.close()


def written(body: str, kind: str = "plain", *, author: str = "Acme", subject: str = "News", answers: str = "") -> bytes:
    name = author if author.startswith('"') else f'"{author}"'
    reply = f"Reply-To: {answers}\n" if answers else ""
    text = (
        f"From: {name} <news@acme.example>\nTo: {WHO}\nSubject: {subject}\n{reply}MIME-Version: 1.0\n"
        f"Relay-Topic: news\nContent-Type: text/{kind}; charset=utf-8\n\n{body}\n"
    )
    return text.replace("\n", "\r\n").encode()


def letter(number: int, mark: str) -> str:
    """Unlike any other, so that none is kept for what another one of the same campaign says."""
    lot = random.Random(number)
    words = ("".join(lot.choices(SYLLABLES, k=3)) for _ in range(60))
    return f"Hello,\n\n{' '.join(words)}.\n\n{mark}"


def data(dialog: Dialog, raw: bytes) -> Reply:
    assert dialog.say("MAIL FROM:<news@acme.example> BODY=8BITMIME SMTPUTF8").code == 250
    assert dialog.say(f"RCPT TO:<{WHO}>").code == 250
    return dialog.data(raw)


def test_contacts_in_fresh_disguises_are_refused(watched: Ground) -> None:
    tried = {name: written(text) for name, text in TEXTS.items()}
    tried |= {text: written(text) for text in HANDLES}
    tried |= {name: written(f"<html><body>{markup}</body></html>", "html") for name, markup in MARKUP.items()}
    with watched.session("bulk") as dialog:
        replies = {name: str(data(dialog, raw)) for name, raw in tried.items()}
    assert {name: reply for name, reply in replies.items() if not reply.startswith("550 5.7.1 content: ")} == {}


def test_what_is_near_them_arrives(watched: Ground) -> None:
    with watched.session("bulk") as dialog:
        for number, text in enumerate(NEAR):
            reply = data(dialog, written(text, subject=f"near {number}"))
            assert reply.code == 250, (text, reply)
    sent = {f"near {number}" for number in range(len(NEAR))}
    until(lambda: {one.field("Subject") for one in list(watched.sink.messages)} >= sent, "all arrive")


def test_who_poses_as_somebody_else_is_kept_or_refused(watched: Ground) -> None:
    """A suspicion is accepted and kept; a domain in the name that isn't the sender's is refused."""
    passed = []
    with watched.session("bulk") as dialog:
        for number, (author, subject, answers) in enumerate(POSING):
            reply = data(dialog, written(letter(number, "posing"), author=author, subject=subject, answers=answers))
            if reply.code == 250:
                passed.append((author, subject, answers))
    watched.settled()
    names = {one.field("From") for one in list(watched.sink.messages) if b"posing" in one.data}
    assert names == set(), passed


def test_honest_names_and_subjects_go_out(watched: Ground) -> None:
    with watched.session("bulk") as dialog:
        for number, (author, subject, answers) in enumerate(HONEST):
            reply = data(
                dialog, written(letter(100 + number, "honest"), author=author, subject=subject, answers=answers)
            )
            assert reply.code == 250, (author, subject, answers, reply)
    until(lambda: sum(b"honest" in one.data for one in list(watched.sink.messages)) == len(HONEST), "all arrive")
