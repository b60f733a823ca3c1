"""Who plays: a bookshop with its list, and what it writes."""

from __future__ import annotations

import time
from email.message import EmailMessage
from email.utils import formatdate
from typing import Final

RELAY_HOST: Final = "relay.provider.example"
TENANT: Final = "bookshop"
DOMAIN: Final = "bookshop.example"
CONTACT: Final = "owner@bookshop.example"
OPERATOR: Final = "desk@provider.example"
"""Of the operator's staff, for the desk."""
AUTHOR: Final = "news@bookshop.example"
POSTAL: Final = "Bookshop, 1 Harbour Street, Example City"
TOPIC: Final = "news"
CAMPAIGN: Final = "new-books"
SOURCE: Final = "sign-up form on bookshop.example"
WORDING: Final = (
    "Yes, Bookshop Ltd may keep my address in its database and send me its news by automated e-mail."
    " I can unsubscribe at any time; my rights are explained at bookshop.example/privacy."
)
MAIL_DOMAIN: Final = "mailbox.example"

_NAMES: Final = """
anna boris carla daniel elena felix greta hugo ida jonas karin leo maria nils olga paul rosa sami tiina uwe
vera willem yara zoe amir bella cedric dora emil fiona gunnar hanna ivo julia kaspar lena milan nora otto petra
"""
AGREED: Final = tuple(f"{name}@{MAIL_DOMAIN}" for name in _NAMES.split())
"""40 people who agreed, in the order of the campaign."""
STRANGERS: Final = tuple(f"{name}@{MAIL_DOMAIN}" for name in ("mallory", "oscar", "trent", "walter"))
"""On the shop's list, but nobody knows why."""
LEAVES: Final = AGREED[0]
"""Unsubscribes on the page."""
WRITES: Final = AGREED[5]
"""Asks the shop to stop while the copy is still held."""
DEAD: Final = AGREED[4]
"""Agreed once; the mailbox is gone."""
CUSTOMER: Final = STRANGERS[1]
"""Never agreed to news, but bought a book."""


def list_file(now: float) -> str:
    """The shop's list as CSV; one line of it is broken."""
    rows = ["email,at,ip"]
    for number, address in enumerate(AGREED):
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 86_400 * (number + 7)))
        rows.append(f"{address},{at},192.0.2.{number + 1}")
    rows.append(f"no address at all,{at},192.0.2.99")
    return "\n".join(rows) + "\n"


def newsletter(now: float) -> EmailMessage:
    """Text and HTML, without any unsubscribe link: that is the relay's to add."""
    message = EmailMessage()
    message["From"] = f"The Bookshop <{AUTHOR}>"
    message["To"] = f"Friends of the shop <{AUTHOR}>"
    message["Subject"] = "New books this week"
    message["Date"] = formatdate(now, localtime=False)
    message["Message-ID"] = f"<{CAMPAIGN}-{int(now)}@{DOMAIN}>"
    message["Relay-Topic"] = TOPIC
    message["Relay-Campaign"] = CAMPAIGN
    message.set_content("Good morning,\n\nthree new books came in this week.\nCome by!\n")
    message.add_alternative(
        "<html><body><p>Good morning,</p><p><b>three new books</b> came in this week.<br>Come by!</p></body></html>\n",
        subtype="html",
    )
    return message


def order(now: float) -> EmailMessage:
    """To one customer because of what that customer did."""
    message = EmailMessage()
    message["From"] = f"The Bookshop <orders@{DOMAIN}>"
    message["To"] = CUSTOMER
    message["Subject"] = "Your order 4711 is on its way"
    message["Date"] = formatdate(now, localtime=False)
    message["Message-ID"] = f"<order-4711-{int(now)}@{DOMAIN}>"
    message.set_content("Hello,\n\nyour book left our shop today.\n")
    return message
