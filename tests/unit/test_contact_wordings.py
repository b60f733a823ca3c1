"""More ways to write the operator's contacts, and what comes near them (R16); names made of two others."""

from __future__ import annotations

import pytest

from policies.contacts.needles import needle
from policies.heads.names import read_brands, tenant_pretended
from policies.heads.subjects import false_service
from policies.operator_contact import Policy
from relay.mail.skeleton import look_of
from relay.pipeline.contract import PASS
from relay.values.facts import OperatorFacts
from tests.support.content import mail, read
from tests.unit.test_policies import BULK, txn

OPERATOR = OperatorFacts(
    contact="support@relay-desk.example",
    addresses=("+372 5555 4321", "Kase tänav 12, 10115 Tallinn", "Hauptstraße 7, 10999 Berlin"),
    sites=("https://relay-desk.example",),
    pages=("https://mail.relay-desk.example",),
    letters_to=("back.relay-desk.example",),
)
POLICY = Policy({})
POLICY.serves(OPERATOR)

WRITTEN = {
    "tens in French": "appelez cinquante-cinq cinquante-cinq quarante-trois vingt et un".replace(" et un", "-un"),
    "tens in English": "ring fifty-five fifty-five forty-three twenty-one",
    "tens in German": "fünfundfünfzig fünfundfünfzig dreiundvierzig einundzwanzig",
    "tens in Russian": "пятьдесят пять пятьдесят пять сорок три двадцать один",
    "tens in Ukrainian": "п'ятдесят п'ять п'ятдесят п'ять сорок три двадцять один",
    "tens in Spanish": "cincuenta y cinco cincuenta y cinco cuarenta y tres veinte y uno",
    "tens in Estonian": "viiskümmend viis viiskümmend viis nelikümmend kolm kakskümmend üks",
    "street for short": "Kase tn 12, Tallinn 10115",
    "street as a letter": "Kase t. 12, 10115 Tallinn",
    "street in English": "Kase street 12, 10115 Tallinn",
    "number before": "12 Kase street, 10115 Tallinn",
    "no word for street": "Kase 12, 10115 Tallinn",
    "German for short": "Hauptstr. 7, 10999 Berlin",
}
NEAR = (
    "fifty-five people, fifty-five bikes, forty-three smiles and twenty-one songs",
    "Kase tänav 14, 10115 Tallinn",
    "Kase talu, Tallinna mnt 12, 10115",
    "Hauptbahnhof 7, 10999 Berlin",
    "In 10115 Tallinn blühen 12 Birken.",
)


@pytest.mark.parametrize("way", WRITTEN)
def test_found(way: str) -> None:
    assert POLICY.on_message(txn(BULK), read(mail(WRITTEN[way]))) is not PASS


def test_found_in_the_name_of_a_picture() -> None:
    for name in ("support-at-relay-desk.example.png", "support%40relay-desk.example.jpg?x=1"):
        letter = mail(f'<img src="https://acme.example/{name}">', "html")
        assert POLICY.on_message(txn(BULK), read(letter)) is not PASS, name


@pytest.mark.parametrize("text", NEAR)
def test_what_comes_near_passes(text: str) -> None:
    assert POLICY.on_message(txn(BULK), read(mail(text))) is PASS


def test_an_address_without_a_code_is_looked_for_as_it_is_written() -> None:
    found = needle("Kase street, Tartu quarter")
    assert found is not None
    assert found.both is None
    assert found.hint


def test_two_well_known_names_together_are_one_of_them() -> None:
    brands = read_brands()
    for name in ("Deutsche Post DHL", "Netflix Membership", "Сбербанк Онлайн"):
        assert brands.pretended(name, frozenset()) is not None, name
    for name in ("Deutsche Post Museum Freunde", "Prime butchers", "Apple orchard", "Orange Apple"):
        assert brands.pretended(name, frozenset()) is None, name


def test_digits_for_letters_make_no_other_name() -> None:
    taken = {look_of("Rival"): "Rival", look_of("Nordic Seeds"): "Nordic Seeds"}
    assert tenant_pretended("R1val", taken, ("Acme",)) == "Rival"
    assert tenant_pretended("N0rdic 5eeds", taken, ("Acme",)) == "Nordic Seeds"
    assert tenant_pretended("R1val", taken, ("Rival",)) == ""
    assert tenant_pretended("Studio 54", taken, ("Acme",)) == ""


def test_a_call_that_nobody_missed() -> None:
    offer = "Buy now, 50 % off, free shipping until midnight."
    assert false_service("Missed call from your bank", offer)
    assert false_service("Ein verpasster Anruf", "Rabatt: jetzt kaufen, Angebot nur heute.")
    assert not false_service("Missed call? How our switchboard works", "It answers at night.")
