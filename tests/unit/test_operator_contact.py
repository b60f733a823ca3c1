"""The operator's contact details are found however they are written, and nothing else is taken for them (R16)."""

# ruff: noqa: RUF001, SIM905 - letters of many alphabets, and lists of words as text

from __future__ import annotations

import base64
import io
import random
import zipfile
import zlib
from urllib.parse import quote

import pytest
from msgspec.structs import replace

from policies.contacts.places import MOST_DRAWN, printed
from policies.operator_contact import Policy
from relay.pipeline.contract import PASS, Reject
from relay.values.facts import Kind, OperatorFacts
from tests.support.content import coded, mail, read
from tests.unit.test_policies import BULK, TENANT, txn

PHONE, ADDRESS, SITE = "+372 5555 0100", "support@relay.test", "https://relay.test"
FACTS = OperatorFacts(ADDRESS, (PHONE, "Pikk 15, 10123 Tallinn"), (SITE,), (SITE,), ("relay.test",))


def policy(**changes: object) -> Policy:
    made = Policy({})
    made.serves(replace(FACTS, **changes))
    return made


ALL = policy()
ADDRESS_ALONE = policy(addresses=(), sites=())


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def entities(text: str, base: str = "") -> str:
    return "".join(f"&#{'x' if base else ''}{ord(c):{base or 'd'}};" for c in text)


def archive() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("word/document.xml", "<w:t>sup</w:t><w:t>port@relay.test</w:t>")
    return made.getvalue()


def pdf() -> bytes:
    drawn = zlib.compress(b"BT [(sup) -20 (port) 5 (@re) (lay.test)] TJ ET")
    return b"%PDF-1.4\n1 0 obj <</Filter /FlateDecode>> stream\n" + drawn + b"\nendstream endobj"


TEXTS = {
    "plain": "Questions: support@relay.test",
    "in capitals": "Questions: SUPPORT@RELAY.TEST!",
    "as a mail link": "Write to mailto:support@relay.test?subject=x",
    "quoted local part": 'Questions: "support"@relay.test',
    "zero width space": "support\u200b@rel\u200bay.test",
    "zero width joiner": "sup\u200dport@relay.te\u200cst",
    "soft hyphens": "sup\u00adport@re\u00adlay.test",
    "word joiner in each place": "\u2060".join("support@relay.test"),
    "tag characters": "support\U000e0041@relay.test",
    "variation selectors": "s\ufe0fupport@relay.test",
    "combining marks": "su\u0308ppo\u0301rt@re\u0327lay.te\u0301st",
    "combining grapheme joiner": "sup\u034fport@relay.test",
    "fullwidth": "ｓｕｐｐｏｒｔ＠ｒｅｌａｙ．ｔｅｓｔ",
    "mathematical bold": "𝐬𝐮𝐩𝐩𝐨𝐫𝐭@𝐫𝐞𝐥𝐚𝐲.𝐭𝐞𝐬𝐭",
    "mathematical script": "𝓈𝓊𝓅𝓅ℴ𝓇𝓉@𝓇ℯ𝓁𝒶𝓎.𝓉ℯ𝓈𝓉",
    "circled letters": "ⓢⓤⓟⓟⓞⓡⓣ@ⓡⓔⓛⓐⓨ.ⓣⓔⓢⓣ",
    "squared letters": "🅂🅄🄿🄿🄾🅁🅃@🅁🄴🄻🄰🅈.🅃🄴🅂🅃",
    "dark squared letters": "🆂🆄🅿🅿🅾🆁🆃@🆁🅴🅻🅰🆈.🆃🅴🆂🆃",
    "small capitals": "sᴜᴘᴘᴏʀᴛ@ʀᴇʟᴀʏ.ᴛᴇsᴛ",
    "superscript": "ˢᵘᵖᵖᵒʳᵗ@ʳᵉˡᵃʸ.ᵗᵉˢᵗ",
    "some Cyrillic letters": "suрроrt@rеlау.tеst",
    "whole-script Cyrillic": "ѕуррогт@геӏау.теѕт",
    "Greek letters": "ѕυρροrτ@rεlαγ.τεѕτ",
    "Cherokee letters": "ꮪupport@ꭱelay.test",
    "Armenian o": "suppօrt@relay.test",
    "digits for letters": "supp0rt@re1ay.t3st",
    "signs for letters": "$upport@re|ay.te$t",
    "rn and m, vv": "support@relay.test and more",
    "each letter apart": "s u p p o r t @ r e l a y . t e s t",
    "hyphens between": "s-u-p-p-o-r-t @ r-e-l-a-y . t-e-s-t",
    "stars between": "s*u*p*p*o*r*t*@*r*e*l*a*y*.*t*e*s*t",
    "each letter a line": "\n".join("support@relay.test"),
    "blanks around the signs": "support @ relay . test",
    "broken over lines": "support@\nrelay.test",
    "brackets": "support(at)relay(dot)test",
    "square brackets": "support [at] relay [dot] test",
    "braces": "support{@}relay{.}test",
    "angle brackets": "support<at>relay<dot>test",
    "words": "support at relay dot test",
    "words in capitals": "support AT relay DOT test",
    "glued words": "supportATrelayDOTtest",
    "underscores": "support_at_relay_dot_test",
    "Estonian": "Kirjuta: support (ät) relay punkt test",
    "German": "support Klammeraffe relay Punkt test",
    "German, short": "support (bei) relay (punkt) test",
    "French": "support arobase relay point test",
    "Spanish": "support arroba relay punto test",
    "Russian": "support собака relay точка test",
    "Russian, in brackets": "support [собачка] relay [точка] test",
    "Ukrainian": "support равлик relay крапка test",
    "another full stop": "support@relay。test",
    "one dot leader": "support@relay․test",
    "middle dot": "support@relay·test",
    "a comma": "support@relay,test",
    "circled a": "supportⓐrelay.test",
    "upside down": "write backwards: \u202etset.yaler@troppus\u202c",
    "percent signs": "https://go.example/?to=support%40relay.test",
    "each letter with percent": "https://go.example/?to=" + "".join(f"%{ord(c):02x}" for c in ADDRESS),
    "percent twice": "https://go.example/?to=support%2540relay%252Etest",
    "base64 in a query": f"https://go.example/?u={quote(b64('https://relay.test/help'))}",
    "base64, URL-safe": f"https://go.example/?u={base64.urlsafe_b64encode(b'>>> support@relay.test ???').decode()}",
    "hexadecimal in a path": f"https://go.example/{b'https://relay.test'.hex()}",
    "phone": "Call +372 5555 0100, workdays",
    "phone with zeros": "Call 00372 55550100",
    "phone, national": "Call 5555 0100",
    "phone in dots": "Call +372.5555.0100",
    "phone, each digit apart": "Call 3 7 2 5 5 5 5 0 1 0 0 now",
    "phone, fullwidth": "Call ＋３７２ ５５５５ ０１００",
    "phone, brackets": "Call (+372) 5555-0100",
    "street": "Visit us: Pikk 15, 10123 Tallinn, second floor",
    "street, other signs": "PIKK 15 - 10123 TALLINN",
    "site": "See relay.test for more",
    "site with a host": "See help.relay.test for more",
    "site, defanged": "See hxxps://relay[.]test for more",
    "site in words": "See relay dot test for more",
    "site, letters apart": "See r e l a y . t e s t for more",
    "site, Cyrillic": "See геӏау.теѕт for more",
    "another mailbox there": "Write to info@relay.test",
}
DRAWN = "<svg><text>support@relay.test</text></svg>"
MARKUP = {
    "named references": "support&commat;relay&period;test",
    "decimal references": entities(ADDRESS),
    "hexadecimal references": entities(ADDRESS, "x"),
    "references without semicolons": "support&#64relay&#46test",
    "invisible references": "sup&shy;port&#8203;@relay&zwnj;.test",
    "references written twice": "<a title='support&amp;#64;relay&amp;#46;test'>x</a>",
    "each letter a span": "".join(f"<span>{c}</span>" for c in ADDRESS),
    "comments between": "sup<!-- x -->port@re<!-- y -->lay.test",
    "empty elements between": "sup<b></b>port@re<i></i>lay.te<wbr>st",
    "hidden letters between": "sup<i style='display:none'>qz</i>port@re<i style='font-size:0'>qz</i>lay.test",
    "blocks set in a line": "<div style='display:inline'>support@re</div><div style='display:inline'>lay.test</div>",
    "floating blocks": "<div style='float:left'>support@re</div><div style='float:left'>lay.test</div>",
    "cells": "<table><tr>" + "".join(f"<td>{c}</td>" for c in ADDRESS) + "</tr></table>",
    "right to left": "<bdo dir=rtl>tset.yaler@troppus</bdo>",
    "right to left by style": "<span style='unicode-bidi:bidi-override;direction:rtl'>tset.yaler@troppus</span>",
    "in a style sheet": "<style>p::before{content:'support@'}p::after{content:'relay.test'}</style><p></p>",
    "in a style sheet, escaped": r"<style>p::after{content:'\73upport\40 relay\2e test'}</style><p></p>",
    "shown from an attribute": "<style>p::after{content:attr(data-m)}</style><p data-m='support@relay.test'></p>",
    "alternative text": "<img src='https://acme.example/a.png' alt='Questions? support@relay.test'>",
    "title": "<a href='https://acme.example' title='support@relay.test'>x</a>",
    "label for readers": "<a href='https://acme.example' aria-label='support@relay.test'>x</a>",
    "placeholder": "<input placeholder='support@relay.test'>",
    "link": "<a href='https://relay.test/help'>help</a>",
    "link with a user": "<a href='https://acme.example@relay.test/'>help</a>",
    "link with backslashes": r"<a href='https:\\relay.test\help'>help</a>",
    "link in references": f"<a href='{entities('https://relay.test')}'>help</a>",
    "link without a scheme": "<a href='//relay.test/help'>help</a>",
    "link with line ends": "<a href='https://rel\nay.test/'>help</a>",
    "base and relative link": "<base href='https://relay.test/'><a href='contact'>help</a>",
    "mail link": "<a href='mailto:%73upport%40relay.test'>write</a>",
    "telephone link": "<a href='tel:+37255550100'>call</a>",
    "redirector's query": "<a href='https://go.acme.example/r?u=https%3A%2F%2Frelay.test%2F'>help</a>",
    "redirector's path": "<a href='https://go.acme.example/r/https://relay.test'>help</a>",
    "fragment": "<a href='https://go.acme.example/#https://relay.test'>help</a>",
    "a QR maker's query": "<img src='https://qr.example/make?size=200&data=https%3A%2F%2Frelay.test'>",
    "form": "<form action='https://relay.test/contact'><button>go</button></form>",
    "picture drawn in letters": f"<img src='data:image/svg+xml;base64,{b64(DRAWN)}'>",
    "picture, letters apart": "<img src='data:image/svg+xml;base64,"
    + b64("<svg>" + "".join(f"<tspan>{c}</tspan>" for c in ADDRESS) + "</svg>")
    + "'>",
    "picture in percent": f"<img src='data:image/svg+xml,{quote(DRAWN)}'>",
    "page within the page": f"<iframe src='data:text/html;base64,{b64('<p>support@relay.test</p>')}'></iframe>",
    "drawn in the page": "<svg><text>supp<tspan>ort@relay.test</tspan></text></svg>",
    "comment for one program": "<!--[if mso]><p>support@relay.test</p><![endif]-->",
    "in a script": "<script>document.write('sup' + 'port@' + 'relay.test')</script>",
    "in a script, escaped": r"<script>document.write('\x73upport\u0040relay.test')</script>",
    "hidden preheader": "<div style='display:none'>support@relay.test</div>",
}
WHOLE = {
    "in the subject": mail("Hello", subject="Write to support@relay.test today"),
    "in a coded subject": mail("Hello", subject=f"=?utf-8?B?{b64('Write to support@relay.test')}?="),
    "in the From name": mail("Hello", author='"support at relay dot test"'),
    "in another field": mail("Hello", head="Comments: ask support@relay.test\n"),
    "quoted-printable": coded("".join(f"={ord(c):02X}" for c in ADDRESS).encode(), "text/plain", "quoted-printable"),
    "base64": coded(ADDRESS.encode(), "text/plain; charset=utf-8", "base64"),
    "UTF-16": coded(ADDRESS.encode("utf-16"), "text/plain; charset=utf-16", "base64"),
    "UTF-7": coded(b"support+AEA-relay.test", "text/plain; charset=utf-7", "7bit"),
    "EBCDIC": coded(ADDRESS.encode("cp037"), "text/plain; charset=cp037", "base64"),
    "file": coded(ADDRESS.encode(), "application/octet-stream", "base64", disposition='attachment; filename="a.txt"'),
    "page as a file": coded(
        entities(ADDRESS).encode(), "text/html", "base64", disposition='attachment; filename="contacts.html"'
    ),
    "name of a file": coded(b"x", "image/png", "base64", disposition='attachment; filename="support@relay.test.png"'),
    "calendar": coded(
        b"BEGIN:VCALENDAR\r\nORGANIZER:mailto:support@relay.test\r\n",
        "text/calendar",
        "base64",
        disposition="attachment",
    ),
    "document": coded(archive(), "application/octet-stream", "base64", disposition='attachment; filename="a.docx"'),
    "printed document": coded(pdf(), "application/pdf", "base64", disposition='attachment; filename="a.pdf"'),
    "message inside": coded(
        mail("Ask support@relay.test"), "message/rfc822", "8bit", disposition='attachment; filename="a.eml"'
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_that_show_it_are_refused(name: str) -> None:
    found = ALL.findings(TENANT, read(mail(TEXTS[name])))
    assert found and found[0].certain


@pytest.mark.parametrize("name", MARKUP)
def test_markup_that_shows_it_is_refused(name: str) -> None:
    found = ALL.findings(TENANT, read(mail(f"<html><body><p>Hello</p>{MARKUP[name]}</body></html>", "html")))
    assert found and found[0].certain


HOSTILE = {
    "drawings that begin and never end": b"stream\n" * 37_000,
    "texts that begin and never end": b"stream\n" + b"(\\" * 1_000_000 + b"endstream",
    "drawings that unpack to much": (b"stream\n" + zlib.compress(b"(abcdef) " * 29_000) + b"endstream\n") * 100,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_printed_document_costs_no_more_than_it_may(name: str) -> None:
    """Each takes minutes where something is read again and again."""
    assert len(printed(b"%PDF-1.4\n" + HOSTILE[name])) <= MOST_DRAWN


def test_what_is_drawn_is_found_behind_much_that_is_not_text() -> None:
    picture = b"stream\n" + zlib.compress(bytes(range(256)) * 4096) + b"endstream\n"
    drawn = b"stream\n" + zlib.compress(b"BT (support@re) Tj (lay.test") + b"endstream\n"
    assert "support@relay.test" in printed(b"%PDF-1.4\n" + 9 * picture + drawn)


@pytest.mark.parametrize("name", WHOLE)
def test_it_is_found_in_every_part_and_coding(name: str) -> None:
    assert ALL.findings(TENANT, read(WHOLE[name]))


NO_ADDRESS = ("phone", "street", "site", "another mailbox")
LINKS = ("link", "redirector", "base64", "hexadecimal", "fragment", "QR", "form", "base and", "telephone")


@pytest.mark.parametrize(
    "text",
    [t for n, t in TEXTS.items() if not n.startswith(NO_ADDRESS + LINKS)]
    + [f"<p>{t}</p>" for n, t in MARKUP.items() if not any(word in n for word in LINKS)],
)
def test_an_address_alone_is_found_without_its_site(text: str) -> None:
    kind = "html" if text.startswith("<") else "plain"
    assert [one.what for one in ADDRESS_ALONE.findings(TENANT, read(mail(text, kind)))] == [ADDRESS]


NEAR = [
    "Write to support@relay.test.example or see https://relay.test.example/help",
    "Write to support@relax.test or see https://relax.test/help",
    "Write to support@belay.test, support@delay.test, support@replay.test, support@parlay.test",
    "See https://relay-test.example, https://relaytest.example, https://my-relay.test, https://xrelay.test",
    "See https://relay2.test, https://relays.test, https://relay.tests, https://relay.testing, https://relay.best",
    "Answers: relay@test.example, support.relay@test.example, support@test.example",
    "The relay race starts at ten; test runs with the baton are on Friday.",
    "The relay station on the hill was a test for the whole valley.",
    "We changed the relay. Test it before winter, says support at the shop.",
    "Support at Relay. Test drives on Saturday.",
    "Реле. Тест новой партии прошёл. Поддержка по телефону магазина.",
    "Staffellauf, Test der Zeitnahme am Samstag.",
    "Support relay and test kit in one box.",
    "relay.testAll() runs the suite, says our course on programming.",
    "support: relay - test - done",
    "Call +372 5555 0101, +371 5555 0100, +372 6555 0100, workdays nine to five.",
    "Order 8837255550100942, parcel 55550100777, sum 1.372.555.501.000",
    "Pikk 14, 10123 Tallinn and Lai 15, 10133 Tallinn",
    "{{relay_footer}} {{unsubscribe_url}}",
    "> Unsubscribe: https://relay.test/u/AbCdEf-123_x\n> Preferences: https://relay.test/p/AbCdEf",
    "Tell a friend: https://relay.test/s/abcdefgh, or report it: https://relay.test/report?m=1",
    "List-Unsubscribe: <mailto:u-abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqr@relay.test>",
]


@pytest.mark.parametrize("text", NEAR)
@pytest.mark.parametrize("kind", ["plain", "html"])
def test_what_is_only_like_it_passes(text: str, kind: str) -> None:
    assert ALL.findings(TENANT, read(mail(text, kind))) == []


WORDS = (
    "relay test support tallinn pikk at dot the our letter team race of harbour garden bulbs office hours point et "
    "punkt line station kit box call order number write see more question answer new old reader list shop Реле тест "
    "поддержка точка собака кот для наш Staffel Rennen Prüfung avec pour le la prueba relevo apoyo tere kiri"
).split()


def ordinary(chance: random.Random) -> bytes:
    """Mail made of the contacts' own words, numbers and other addresses."""
    pieces = []
    for _ in range(chance.randint(20, 120)):
        made = chance.random()
        if made < 0.75:
            pieces.append(chance.choice(WORDS) + chance.choice(("", "", "", ".", ",", "!")))
        elif made < 0.85:
            pieces.append(str(chance.randint(1, 10 ** chance.randint(1, 14))))
        elif made < 0.93:
            pieces.append(f"{chance.choice(WORDS)}@{chance.choice(('acme', 'belay', 'shop'))}.example")
        else:
            token = base64.urlsafe_b64encode(chance.randbytes(12)).decode()
            pieces.append(f"https://www.acme.example/{chance.choice(('relay', 'test', 'n'))}/{token}?u={token}")
    text = " ".join(pieces)
    if chance.random() < 0.5:
        return mail(text)
    inner = "".join(f"<p style='color:#222'>{one}</p>" if chance.random() < 0.2 else f"{one} " for one in pieces)
    return mail(f"<html><body><table><tr><td>{inner}</td></tr></table></body></html>", "html")


@pytest.mark.parametrize("seed", range(5))
def test_none_of_many_ordinary_mails_is_taken_for_it(seed: int) -> None:
    chance = random.Random(seed)
    assert [raw for raw in (ordinary(chance) for _ in range(100)) if ALL.findings(TENANT, read(raw))] == []


@pytest.mark.slow
def test_none_of_five_thousand() -> None:
    chance = random.Random(16)
    assert [raw for raw in (ordinary(chance) for _ in range(5000)) if ALL.findings(TENANT, read(raw))] == []


# --- when it is asked -------------------------------------------------------------------


def test_bulk_is_refused_with_what_and_where() -> None:
    answer = ALL.on_message(txn(BULK), read(mail("Ask support@relay.test")))
    assert isinstance(answer, Reject)
    assert answer.status.reply == (
        "550 5.7.1 content: contact details of this service (support@relay.test) must not stand in your mail;"
        " found in the text"
    )


def test_service_mail_is_left_alone_unless_the_operator_says_so() -> None:
    service = replace(BULK, kind=Kind.TRANSACTIONAL, consent_required=False)
    shown = read(mail("Ask support@relay.test"))
    assert ALL.on_message(txn(service), shown) == PASS
    looking = Policy({"service": True})
    looking.serves(FACTS)
    assert isinstance(looking.on_message(txn(service), shown), Reject)
    assert isinstance(ALL.on_message(txn(replace(service, consent_required=True)), shown), Reject)


def test_what_is_the_tenant_s_as_well_does_not_count() -> None:
    own = replace(TENANT, verified_domains=frozenset({"relay.test"}))
    assert ALL.findings(own, read(mail("Ask support@relay.test, see https://relay.test"))) == []
    shared = replace(TENANT, contact="support@relay.test")
    assert ADDRESS_ALONE.findings(shared, read(mail("Ask support@relay.test"))) == []


def test_nothing_is_looked_for_where_nothing_is_known() -> None:
    assert Policy({}).on_message(txn(BULK), read(mail("Ask support@relay.test"))) == PASS
