"""People read names, not slugs, in their language: footers, authors of letters, pages; and what a tenant can set."""

# ruff: noqa: RUF001 - other alphabets are meant here

from __future__ import annotations

import sqlite3
from email.headerregistry import AddressHeader
from email.policy import SMTP
from pathlib import Path

import pytest
from msgspec.structs import replace

from policies.unsubscribe_footer import Policy
from relay.mail.address import parse_address
from relay.mail.letter import phrase
from relay.pipeline.contract import Continue, Transaction
from relay.tenants import logos, streams, tenants
from relay.tenants.tenants import Changes
from relay.texts.language import LANGUAGES
from relay.values.errors import RegistryError
from relay.values.facts import Kind, Recipient, Standing
from relay.values.tenant import TenantRow
from relay.web import brand
from tests.unit.records import NOW, SHOP, column, open_shop
from tests.unit.test_policies import DIRECT, NEWS, TENANT, live, message, rcpt, txn

TITLED = replace(TENANT, title="Köhler & Söhne", titles={"news": "Wöchentliche Post"}, language="de")
PAGE = "https://acme.example/join?a=1"


def person(language: str = "", page: str = "") -> Recipient:
    return rcpt(Standing(1, (replace(live(), language=language, page=page),)))


def footer(transaction: Transaction) -> list[Continue]:
    answer = Policy({}).on_message(transaction, message())
    verdicts = list(answer.values()) if isinstance(answer, dict) else [answer]
    assert all(isinstance(one, Continue) and one.additions is not None for one in verdicts)
    return verdicts  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("language", "reason", "unsubscribe"),
    [
        ("", "weil Sie „Wöchentliche Post“ von Köhler & Söhne am 21. September 2026 abonniert haben", "Abmelden"),
        ("en", 'because you subscribed to "Wöchentliche Post" of Köhler & Söhne on 21 September 2026', "Unsubscribe"),
        ("uk", "бо підписалися на «Wöchentliche Post» від Köhler & Söhne 21 вересня 2026 року", "Відписатися"),
        ("xx", "because you subscribed", "Unsubscribe"),
    ],
)
def test_the_footer_speaks_the_person_s_language_else_the_tenant_s(
    language: str, reason: str, unsubscribe: str
) -> None:
    (verdict,) = footer(txn(tenant=TITLED, recipients=(person(language),)))
    assert verdict.additions is not None
    assert reason in verdict.slots["reason"] and set(verdict.slots) == {"reason"}
    assert f"{unsubscribe}: {{{{unsubscribe_url}}}}" in verdict.additions.footer_text
    assert f">{unsubscribe}</a>" in verdict.additions.footer_html
    assert "Köhler &amp; Söhne" in verdict.additions.footer_html and "acme, " not in verdict.additions.footer_text


@pytest.mark.parametrize("code", LANGUAGES)
def test_each_language_has_all_of_the_footer(code: str) -> None:
    (verdict,) = footer(txn(tenant=TITLED, recipients=(person(code, PAGE),)))
    assert verdict.additions is not None
    for what in ("Wöchentliche Post", "Köhler & Söhne", "form)", "2026"):
        assert what in verdict.slots["reason"], code
    for text in (verdict.additions.footer_text, verdict.additions.footer_html):
        for slot in ("reason", "consent_page", "unsubscribe_url", "preferences_url"):
            assert f"{{{{{slot}}}}}" in text
        assert "post@acme.example" in text


def test_one_message_in_two_languages_has_its_words_as_slots() -> None:
    people = (person("fr"), person("ru"))
    verdicts = footer(txn(tenant=TITLED, recipients=people))
    assert [one.slots["footer_unsubscribe"] for one in verdicts] == ["Se désabonner", "Отписаться"]
    assert verdicts[0].additions is verdicts[1].additions
    assert verdicts[0].additions is not None
    assert "{{footer_unsubscribe}}: {{unsubscribe_url}}" in verdicts[0].additions.footer_text
    assert "Se désabonner" not in verdicts[0].additions.footer_text


@pytest.mark.parametrize(
    "page", ["", "in the shop", "javascript:alert(1)", 'https://x.example/"><script>', "https://x " + "y" * 600]
)
def test_what_is_no_address_is_no_link(page: str) -> None:
    (verdict,) = footer(txn(recipients=(person(page=page),)))
    assert "consent_page" not in verdict.slots
    assert verdict.additions is not None and "consent_page" not in verdict.additions.footer_html


def test_the_page_of_the_consent_is_a_link() -> None:
    (verdict,) = footer(txn(recipients=(person(page=PAGE),)))
    assert verdict.slots["consent_page"] == PAGE
    assert verdict.additions is not None
    assert '<a href="{{consent_page}}">' in verdict.additions.footer_html


def test_service_mail_has_the_short_one() -> None:
    (verdict,) = footer(txn(DIRECT, tenant=TITLED, recipients=(person(),)))
    assert verdict.additions is not None and not verdict.slots
    text = verdict.additions.footer_text
    assert text.startswith("-- \n") and "Gesendet von Köhler & Söhne, post@acme.example" in text
    assert "Ihre Einstellungen: {{preferences_url}}" in text and "1 Road" in text
    assert "unsubscribe_url" not in text + verdict.additions.footer_html
    assert "List-Unsubscribe" not in dict(verdict.additions.headers)


def test_service_mail_to_several_stays_one_copy() -> None:
    """Nothing in it speaks to one of them, so it is the same for all."""
    (verdict,) = footer(txn(DIRECT, tenant=TITLED, recipients=(person("fr"), person("ru"))))
    assert verdict.additions is not None and not verdict.slots
    assert "{{" not in verdict.additions.footer_text + verdict.additions.footer_html
    assert "Gesendet von Köhler & Söhne, post@acme.example" in verdict.additions.footer_text


def test_the_english_footer_of_plain_names_is_plain_ascii() -> None:
    """A message in ASCII stays one, so that nothing of it has to be encoded anew."""
    (verdict,) = footer(txn(recipients=(person("en", PAGE),)))
    assert verdict.additions is not None
    for text in (verdict.slots["reason"], verdict.additions.footer_text, verdict.additions.footer_html):
        assert text.isascii()


def test_names_with_braces_are_no_slots() -> None:
    tenant = replace(TENANT, title="{{unsubscribe_url}} Ltd", postal="{{reason}}")
    (verdict,) = footer(txn(NEWS, tenant=tenant, recipients=(person(),)))
    assert verdict.additions is not None
    assert verdict.additions.footer_text.count("{{unsubscribe_url}}") == 1
    assert verdict.additions.footer_text.count("{{reason}}") == 1
    assert "{{unsubscribe_url}} Ltd" not in dict(verdict.additions.headers)["X-Sender-Contact"]


@pytest.mark.parametrize(
    "name",
    ["acme", "Shop Ltd", "Acme, Inc.", "O'Neill & Co", "Köhler & Söhne", "Ётта", "St. John (UK)"],
)
def test_a_name_before_an_address_reads_as_it_is(name: str) -> None:
    value = f"{phrase(name)} <post@acme.example>"
    assert value.isascii()
    header = SMTP.header_factory("From", value)
    assert isinstance(header, AddressHeader)
    assert [(one.display_name, one.addr_spec) for one in header.addresses] == [(name, "post@acme.example")]


# --- what a tenant can set --------------------------------------------------------------------------


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    made = open_shop(tmp_path / "relay.db")
    made.execute(
        "INSERT INTO domain (tenant_id, name, token, verified_at, created_at) VALUES (1, 'shop.example', 't', 1, 1)"
    )
    return made


def change(conn: sqlite3.Connection, **what: object) -> TenantRow:
    shop = tenants.by_id(conn, SHOP)
    return tenants.edit(conn, shop, Changes(**what), actor="anna", now=NOW)  # type: ignore[arg-type]


def test_a_tenant_can_be_edited(conn: sqlite3.Connection) -> None:
    row = change(
        conn, contact=parse_address("new@shop.example"), title=" Shop  Ltd ", postal="1 Road", language="DE",
        colour="#1F5FBF", privacy="https://shop.example/privacy",
    )  # fmt: skip
    assert (row.shown, row.contact, row.postal, row.language) == ("Shop Ltd", "new@shop.example", "1 Road", "de")
    assert (row.colour, row.privacy, row.name) == ("#1f5fbf", "https://shop.example/privacy", "shop")
    assert change(conn, title="").shown == "shop"
    assert change(conn, colour="").privacy == "https://shop.example/privacy"
    assert column(conn, "SELECT count(*) FROM audit WHERE action = 'tenant-edited'") == [3]


@pytest.mark.parametrize(
    "what",
    [
        {"title": "x" * 81},
        {"title": "Shop <a@b.example>"},
        {"title": "a\u202eb"},
        {"language": "xx"},
        {"language": "english"},
        {"colour": "red"},
        {"colour": "#12345"},
        {"colour": "#1f5fbf;}body{display:none"},
        {"privacy": "https://rival.example/privacy"},
        {"privacy": "javascript:alert(1)"},
        {"logo": b"<svg onload=alert(1)>"},
        {"logo": b"\x89PNG\r\n\x1a\n" + b"x" * 65_536},
        {"postal": "x" * 501},
    ],
)
def test_what_can_t_be_set(conn: sqlite3.Connection, what: dict[str, object]) -> None:
    before = tenants.by_id(conn, SHOP)
    with pytest.raises(RegistryError):
        change(conn, **what)
    assert tenants.by_id(conn, SHOP) == before and logos.digest_of(conn, SHOP) == ""


def test_a_logo_is_kept_by_what_it_is(conn: sqlite3.Connection) -> None:
    png = b"\x89PNG\r\n\x1a\n and more"
    change(conn, logo=png)
    digest = logos.digest_of(conn, SHOP)
    assert logos.find(conn, digest) == logos.Logo("image/png", png)
    assert brand.find(conn, SHOP).logo == f"/logo/{digest}"
    change(conn, logo=b"")
    assert logos.find(conn, digest) is None


@pytest.mark.parametrize("colour", ["#ffff00", "#000000", "#ffffff", "#1f5fbf", "#ff0000", "#00ff7f", "#777777"])
def test_any_colour_can_be_read_in_light_and_dark(colour: str) -> None:
    sheet = brand.sheet(colour)
    light, _, dark = sheet.partition("@media")

    def value(rules: str, name: str) -> brand.Colour:
        text = rules.split(f"--{name}:#")[1][:6]
        return int(text[:2], 16), int(text[2:4], 16), int(text[4:], 16)

    for rules, card in ((light, (244, 244, 241)), (dark, (30, 33, 39))):
        assert brand.contrast(value(rules, "accent"), card) >= 4.5
        assert brand.contrast(value(rules, "accent"), value(rules, "accent-ink")) >= 4.5


@pytest.mark.parametrize(
    ("kind", "footer", "reason", "fault"),
    [
        (Kind.TRANSACTIONAL, "headers", "codes of one line", ""),
        (Kind.TRANSACTIONAL, "full", "", ""),
        (Kind.TRANSACTIONAL, "headers", " ", "--reason"),
        (Kind.BULK, "headers", "we like it", "full footer"),
        (Kind.BULK, "short", "we like it", "full footer"),
        (Kind.BULK, "full", "", ""),
        (Kind.TRANSACTIONAL, "none", "x", "no footer"),
    ],
)
def test_less_than_the_usual_footer_has_a_reason(
    conn: sqlite3.Connection, kind: Kind, footer: str, reason: str, fault: str
) -> None:
    shop = tenants.by_id(conn, SHOP)

    def add() -> str:
        made = streams.add(conn, shop, "codes", kind, footer=footer, reason=reason, actor="anna", now=NOW)
        return made.footer

    if not fault:
        assert add() == footer
        return
    with pytest.raises(RegistryError, match=fault):
        add()
