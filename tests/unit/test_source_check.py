"""What a consent's source may not be, in the languages of the pages (R2)."""

from __future__ import annotations

import pytest

from relay.people.consent_rules import ConsentRefused, terms
from relay.people.source_check import bought, vague

VAGUE = (
    "x|XX|...|12|1|aaa|?!|n/a|N/A|unknown|other|a list|my list|The List|mailing list|our database|the internet|"
    "Internet.|from the web|online|public sources|friends|Google|my contacts|excel file|CSV|lead list|"
    "social media|Liste|die Liste|aus dem Internet|Datenbank|unbekannt|la lista|base de datos|de internet|"
    "desconocido|la liste|base de données|inconnu|nimekiri|internetist|teadmata|список|база данных|из интернета|"
    "открытые источники|неизвестно|база даних|з інтернету|невідомо"
)
BOUGHT = (
    "purchase of a base|Purchase of a database|buying addresses|we bought it|list rental|list purchase|"
    "rented list|scraped from a site|web scraping|data broker|harvested|gekaufte Adressen|"
    "Kauf einer Adressliste|Adresskauf|Kauf von Adressen|base comprada|compra de una base|liste achetée|"
    "achat d'une base|fichier loué|ostetud nimekiri|andmebaasi ost|покупка базы|купленная база|куплено|"
    "аренда базы|парсинг сайтов|купівля бази|придбана база|оренда бази"
)
TOLD = (
    "form|web form|online form|website|QR|POS|app|hand|API|phone call|checkout|order form, purchase 2024|"
    "purchase at shop.example|customer purchase in our shop|rental agreement form|rent a car booking form|"
    "trade fair|sign-up form on shop.example|newsletter list at the counter|old list of members|"
    "contact form on the website|e-mail to info@acme.example|reading list sign-up|data protection form|"
    "Anmeldeformular|Kauf im Laden|Kontaktformular|formulario de la web|compra en la tienda|"
    "formulaire de contact|achat en boutique|ankeet|ost e-poes|форма на сайте|покупка в магазине|"
    "контактная форма|форма на сайті|купівля в магазині"
)


@pytest.mark.parametrize("source", [*VAGUE.split("|"), *BOUGHT.split("|")])
def test_what_proves_nothing_is_refused(source: str) -> None:
    with pytest.raises(ConsentRefused) as refused:
        terms(topic="news", source=source, wording="Yes", means="hand")
    assert refused.value.word == "source"


@pytest.mark.parametrize("source", BOUGHT.split("|"))
def test_a_bought_list_is_named(source: str) -> None:
    assert bought(source)


@pytest.mark.parametrize("source", TOLD.split("|"))
def test_where_somebody_agreed_is_taken(source: str) -> None:
    assert not vague(source) and not bought(source)
    assert terms(topic="news", source=source, wording="Yes", means="hand").source == source
