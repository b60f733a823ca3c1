"""What of a tenant's words stands in letters to people who agreed to nothing yet."""

from __future__ import annotations

import pytest

from relay.values.short_name import LEFT_OUT, MAX_SHORT, MAX_WORD, fault, in_letter

GOOD = (
    "newsletter",
    "News",
    "Weekly newsletter",
    "Offers & discounts",
    "Новини магазину",
    "Новости и акции",
    "Uudiskiri",
    "Angebote für Gärtner (wöchentlich)",
    "Ofertas, ¡solo para socios!",
    "ニュースレター",
    "新闻 · 每周",
    "Θέατρο",
    "نشرة أسبوعية",
    "Product updates v2.0",
    "Version 10.4.2",
    "Top 10 recipes of 2026",
    "Season 2026/2027",
    "Season 2026-2027",
    "Concerts 24.12.2026",
    "Concerts 2026-12-24 and 2026-12-31",
    "Events 1.5., 2.5. and 3.5.",
    "Events (Q1/Q2)",
    "Sport, e.g. tennis",
    "Theater, z.B. Oper",
    "U.S.A. tours",
    "Node js and friends",
    "24/7 service notices",
    "100 000 books",
    "Save up to 50 %",
    "Room 1204, floor 12",
    "C++ and C# jobs",
    "Q&A: how it works",
    "News: sport",
    "and/or",
    "What's new?",
    "…and more",
    "Dot paintings",
    "Meet at the museum",
    "Hotel Sterne ★★★★",
    "❤️ deals",
    "x",
    "Donaudampfschiffahrtsgesellsch",
)

BAD = {
    "scheme": "You won 1000 EUR, claim now: http://evil.test/claim",
    "https": "text of the tenant: https://evil.test/7",
    "upper case": "HTTPS://EVIL.TEST",
    "spaced scheme": "https : // evil",
    "hxxp": "hxxp://evil",
    "other scheme": "ftp://x",
    "app scheme": "tg://resolve",
    "mailto": "mailto:sales",
    "tel": "tel:5551",
    "www": "www.evil.example",
    "bare www": "see www evil",
    "network path": "//evil/claim",
    "UNC": "\\\\evil\\x",
    "domain": "shop.example",
    "domain in words": "Cheap pills at evil.com today",
    "test domain": "buy at evil.test",
    "country": "visit t.me",
    "path": "t.me/pills",
    "new TLD": "pills.shop",
    "IDN": "товары.рф",
    "IDN 2": "例え.テスト",
    "A-label": "evil.xn--p1ai",
    "deep": "a.b.c.evil.org",
    "hyphen": "buy-now.info",
    "underscore": "buy_now.info",
    "digits": "1xbet.com",
    "fullwidth dot": "evil\uff0ecom",
    "ideographic stop": "evil\u3002com",
    "halfwidth stop": "evil\uff61com",
    "one dot leader": "evil\u2024com",
    "middle dot": "evil\u00b7com",
    "fullwidth letters": "\uff45\uff56\uff49\uff4c.\uff43\uff4f\uff4d",
    "mathematical letters": "\U0001d41e\U0001d42f\U0001d422\U0001d425.com",
    "spaced dot": "evil . com",
    "space before": "evil .com",
    "space after": "evil. com",
    "bracketed dot": "evil[.]com",
    "dot in words": "evil (dot) com",
    "dot in braces": "evil{dot}com",
    "dot word": "evil dot com",
    "punkt": "evil punkt de",
    "cyrillic dot": "evil точка com",
    "address": "write to sales@evil.example",
    "bare at": "sales@evil",
    "handle": "@cheap_pills",
    "fullwidth at": "sales\uff20evil",
    "at in words": "sales (at) evil",
    "at in brackets": "sales[at]evil",
    "IPv4": "203.0.113.7",
    "IPv4 in words": "go to 203.0.113.7 now",
    "IPv6": "2001:db8:0:1:2:3:4:5",
    "IPv6 short": "at ::1",
    "phone": "call +372 5555 1234",
    "phone plain": "55551234",
    "phone parts": "0800-123456",
    "phone brackets": "(202) 555-0143",
    "phone dots": "202.555.0143",
    "phone slashes": "0151/23456789",
    "phone spread": "5 5 5 5 1 2 3 4",
    "phone dashes": "202\u2013555\u20130143",
    "fullwidth phone": "\uff15\uff15\uff15\uff15\uff11\uff12\uff13\uff14",
    "Arabic digits": "\u0665\u0665\u0665\u0665\u0661\u0662\u0663\u0664",
    "vanity": "1-800-FLOWERS",
    "payment address": "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
    "long": "a " * 40,
    "long word": "a" * 31,
    "two lines": "news\nbuy now",
    "CR": "news\rbuy",
    "tab": "news\tbuy",
    "line separator": "news\u2028buy",
    "NEL": "news\x85buy",
    "ESC": "news\x1b[31m",
    "bidi": "news\u202etset.live",
    "isolate": "\u2066news\u2069",
    "zero width": "ne\u200bws",
    "soft hyphen": "e\xadvil",
    "tag": "news\U000e0041",
    "filler": "\u3164",
    "empty": "",
    "blank": "   ",
    "surrogate": "a\ud800",
}


@pytest.mark.parametrize("name", GOOD)
def test_short_names_are_good_and_stay_as_they_are(name: str) -> None:
    assert fault(name) == ""
    assert in_letter(name) == name


@pytest.mark.parametrize("kind", BAD)
def test_what_advertises_or_hides_is_refused(kind: str) -> None:
    assert fault(BAD[kind])


@pytest.mark.parametrize("kind", BAD)
def test_of_what_was_stored_nothing_of_it_is_left(kind: str) -> None:
    shown = in_letter(BAD[kind])
    assert not fault(shown) or shown in ("", LEFT_OUT), (shown, fault(shown))
    assert len(shown) <= MAX_SHORT and all(len(word) <= MAX_WORD for word in shown.split())


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("You won 1000 EUR, claim now: http://evil.test/claim", "You won 1000 EUR, claim now: …"),
        ("Weekly news of shop.example for you", "Weekly news of … for you"),
        ("news\r\nBcc: x", "news Bcc: x"),
        ("call +372 5555 1234 today", "call … today"),
        ("one two " * 20, "one two one two one two one two one two one two one two one…"),
    ],
)
def test_the_rest_stays_readable(stored: str, shown: str) -> None:
    assert in_letter(stored) == shown


@pytest.mark.parametrize(
    ("postal", "shown"),
    [
        ("1 Main St, Tallinn", "1 Main St, Tallinn"),
        ("Harju 12-3, 10130 Tallinn, Estonia", "Harju 12-3, 10130 Tallinn, Estonia"),
        ("12345-6789 Springfield, 1000 1st Ave", "12345-6789 Springfield, 1000 1st Ave"),
        ("Hauptstr. 5, 80331 München", "Hauptstr. 5, 80331 München"),
        ("вул. Хрещатик 1, Київ 01001", "вул. Хрещатик 1, Київ 01001"),
        ("Main St 1, see https://evil.test", "Main St 1, see …"),
    ],
)
def test_a_postal_address_keeps_its_numbers(postal: str, shown: str) -> None:
    assert in_letter(postal, 200, phones=True) == shown


def test_hostile_texts_end_in_time() -> None:
    for text in ("1 " * 5000, "a." * 5000, "(" * 10_000, "www " * 2000, "http:" * 2000, "8" * 10_000, "\u202e" * 9000):
        assert len(in_letter(text)) <= MAX_SHORT
        assert fault(text)
