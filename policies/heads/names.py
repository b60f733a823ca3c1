"""Whether a display name pretends to be somebody: a well-known name, another tenant, a mail system.

Names are compared in plain letters without gaps, so that neither look-alikes
nor invisible letters nor blanks help. A name pretends to be another if nothing
but that name, and words such as "support" or "team", is left of it; who says
something of his own beside it ("Acme, repairs of Apple phones") doesn't.
"""

# ruff: noqa: RUF001, SIM905 - words of many alphabets, and lists of them as text

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import idna

from policies.contacts.plain import folded
from relay.mail.skeleton import look_of, skeleton_of

OWN: Final = Path(__file__).parent / "brands.toml"
LEAST_LETTERS: Final = 5
"""Of another tenant's name; shorter ones are words of everyday."""

MOST_WORDS: Final = 3
"""Of a well-known name."""

_SET_APART: Final = re.compile(
    r"\A\s*([^|/()]{2,40}?)\s*(?:\bvia\b|\bby\b|\bpar\b|\bdurch\b|\bpor\b|\bчерез\b|\bkaudu\b|[|/\u2013\u2014])"
    r"|\(([^()]{2,40})\)",
    re.IGNORECASE,
)
_WORD: Final = re.compile(r"[^\W_]+")
_ROLES: Final = """
support supports billing team teams service services customer customers client clients care help helpdesk desk
center centre security secure safety account accounts alert alerts notification notifications notice info
information update updates admin administrator office official online inc ltd llc gmbh ag sa co corp corporation
company group international global worldwide com net org de uk us eu fr es it ee lv lt ua ru pl nl the your my from
by mail email e noreply no reply do not payment payments pay invoice invoices receipt receipts order orders shipping
delivery parcel parcels tracking verification verify login sign in password reset fraud protection prevention
department dept bank banking card cards wallet store shop news newsletter offers rewards promotion promotions winner
prize europe america germany deutschland france espana estonia eesti ukraine russia usa express kundenservice
kundendienst kunden kundenbetreuung hilfe sicherheit konto benachrichtigung rechnung rechnungen zahlung zahlungen
bestellung versand paket lieferung mitteilung ihr ihre mein meine abteilung equipe service clientele clients
assistance securite compte alerte facture facturation paiement commande livraison colis votre le la atencion al
cliente clientes soporte seguridad cuenta aviso factura facturacion pago pagos pedido envio paquete su el equipo
abo mitgliedschaft abonnement abonnements suscripcion liikmelisus tellimuse rakendus
membership member subscription prime premium plus express app
klienditugi klienditeenindus tugi meeskond turvalisus konto teade arve arved makse maksed tellimus tarne pakk teie
sinu pank поддержка поддержки служба служба безопасности безопасность команда центр клиент клиентов счет счета
онлайн подписка приложение підписка застосунок
оплата заказ доставка ваш банк банка аккаунт уведомление уведомления информация россия підтримка підтримки служба
безпеки безпека команда центр клієнт клієнтів рахунок рахунки оплата замовлення доставка ваш банк банку акаунт
сповіщення інформація україна dot punkt punto точка крапка
""".split()
_STRONG: Final = """
security account accounts billing payment payments card verification verify login password fraud bank wallet support
sicherheit konto rechnung zahlung compte securite facture cuenta seguridad factura konto turvalisus безопасности
безопасность счет аккаунт безпеки безпека рахунок акаунт id customer kundenservice
""".split()
ROLES: Final = frozenset(folded(word) for word in _ROLES)
STRONG: Final = frozenset(folded(word) for word in _STRONG)
_SYSTEMS: Final = tuple(
    folded(name).replace(" ", "").replace("-", "")
    for name in (
        "mail delivery subsystem", "mail delivery system", "mailer daemon", "mailer-daemon", "postmaster",
        "mail administrator", "system administrator", "server administrator", "email administrator",
        "microsoft outlook", "undelivered mail",
    )
)  # fmt: skip


class WellKnown(NamedTuple):
    name: str
    plain: str
    domains: frozenset[str]
    common: bool


class Brands:
    """Well-known names by their plain form."""

    def __init__(self, entries: Iterable[WellKnown]) -> None:
        self.by_name = {one.plain: one for one in entries}
        self.domains = {domain: one.name for one in self.by_name.values() for domain in one.domains}

    def pretended(self, name: str, own_domains: frozenset[str]) -> WellKnown | None:
        """The brand that a name stands for, unless it is the sender's own."""
        words = plain_words(name)
        rest = [word for word in words if word not in ROLES]
        found = self.by_name.get("".join(rest)) or self.by_name.get("".join(words)) or self._first(words)
        found = found or self._several(rest) or self._apart(name)
        if found is None or found.domains & own_domains:
            return None
        if found.common and not any(word in STRONG for word in words if word not in found.plain):
            return None
        return found

    def _first(self, words: list[str]) -> WellKnown | None:
        """A name at the beginning with a word of trust behind it, whatever follows: "PayPal Security (Acme)"."""
        for count in (1, 2, 3):
            found = self.by_name.get("".join(words[:count]))
            if found is not None and len(words) > count and words[count] in STRONG:
                return found
        return None

    def _several(self, words: list[str]) -> WellKnown | None:
        """Well-known names alone, one behind the other: "Deutsche Post DHL"."""
        first: WellKnown | None = None
        at = 0
        while at < len(words):
            ends = range(min(len(words), at + MOST_WORDS), at, -1)
            end = next((end for end in ends if "".join(words[at:end]) in self.by_name), 0)
            if not end:
                return None
            one = self.by_name["".join(words[at:end])]
            first, at = first or one, end
            if one.common:
                return None
        return first

    def _apart(self, name: str) -> WellKnown | None:
        """One of the well-known alone, set apart from the sender's own: "PayPal via Acme", "Acme (PayPal)"."""
        for piece in _SET_APART.findall(name):
            found = self.by_name.get("".join(plain_words("".join(piece))))
            if found is not None and not found.common:
                return found
        return None

    def looks_like(self, domain: str) -> str:
        """The well-known domain that another one is made to look like; empty without one.

        By letters that look alike, as the beginning of a longer one, or with a word of trust beside it.
        """
        labels = domain.split(".")
        for end in range(2, len(labels)):
            if ".".join(labels[:end]) in self.domains:
                return ".".join(labels[:end])
        for label in labels[:-1]:
            shown = _shown_label(label)
            words = [word for word in re.split(r"[-_]", folded(shown)) if word]
            rest = [word for word in words if word not in ROLES]
            found = self.by_name.get("".join(rest))
            if found is None or not found.domains:
                continue
            plainly = shown == found.name.lower().replace(" ", "")
            if not plainly and not (found.common and shown.isascii() and len(words) == len(rest)):
                return min(found.domains, key=len)
        return ""


def _shown_label(label: str) -> str:
    try:
        return idna.decode(label) if label.startswith("xn--") else label
    except idna.IDNAError:
        return label


def plain_words(name: str) -> list[str]:
    """In plain letters; letters set apart are one word, and apostrophes part none."""
    return _WORD.findall(folded(re.sub(r"(?<=\w)['\u2019](?=\w)", "", name)))


def system(name: str) -> bool:
    """Whether it is the name that mail systems write under."""
    plain = "".join(plain_words(name))
    return plain in _SYSTEMS


def reduced(name: str) -> str:
    """What a name looks like without words that anybody adds; empty for these alone."""
    words = _WORD.findall(skeleton_of(name))
    return "".join(word for word in words if folded(word) not in ROLES)


_MEANT: Final[tuple[dict[int, int], ...]] = ({}, str.maketrans("013457", "oleast"), str.maketrans("013457", "oieast"))
"""What digits may stand for between letters: nothing else; letters, a one for either of two."""


@lru_cache(maxsize=4096)
def _looks(name: str) -> tuple[str, ...]:
    looks = (look_of(name), reduced(name))
    return tuple(dict.fromkeys(form.translate(meant) for meant in _MEANT for form in looks))


def tenant_pretended(name: str, taken: Mapping[str, str], own: Iterable[str]) -> str:
    """The other sender whose name it is, as that is shown; empty: nobody's, or the sender's own.

    ``taken``: names by what they look like. A name of everyday ("News", "Garden") is anybody's.
    """
    mine = {form for one in own if one for form in _looks(one)}
    for plain in _looks(name):
        if plain in mine:
            return ""
        if len(plain) >= LEAST_LETTERS and plain in taken:
            return taken[plain]
    return ""


@lru_cache(maxsize=4)
def read_brands(path: str = "") -> Brands:
    """Those that come with the relay, or those of a file of one's own. Raises ValueError."""
    source = Path(path) if path else OWN
    try:
        table = tomllib.loads(source.read_text("utf-8"))
        entries = [one for kind in ("brands", "common") for one in _entries(table.get(kind, {}), kind == "common")]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, AttributeError) as error:
        raise ValueError(f"brands: {source}: {error}") from error
    unknown = sorted(table.keys() - {"brands", "common"})
    if unknown:
        raise ValueError(f"brands: {source}: unknown table {unknown[0]} (there are: brands, common)")
    return Brands(entries)


def _entries(table: Mapping[str, str], common: bool) -> Iterable[WellKnown]:
    for names, domains in table.items():
        own = frozenset(domain.strip().lower() for domain in domains.split(",") if domain.strip())
        for name in names.split(","):
            plain = "".join(plain_words(name))
            if plain:
                yield WellKnown(name.strip(), plain, own, common)
