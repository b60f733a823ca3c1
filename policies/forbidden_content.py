"""Forbidden goods, services and contents hold a campaign until the operator has looked at it (R17); nothing is deleted.

Bulk mail alone: what people are sent because of what they did themselves isn't
read. What a tenant is allowed (``relay content permit``) isn't looked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from policies.contacts.places import beside
from policies.forbidden.matching import Matcher, Suspicion
from policies.forbidden.model import read_model
from policies.forbidden.word_lists import ENOUGH, WordClass, read_lists
from policies.remembered import Passed
from policies.settings import PolicyTable
from relay.pipeline.contract import (
    PASS,
    BasePolicy,
    ContentFinding,
    Continue,
    Message,
    MessageVerdict,
    Suspect,
    Transaction,
)
from relay.values.facts import Kind, Tenant

TOLD = 3
"""Classes that a suspicion names."""


class Policy(BasePolicy):
    name = "forbidden_content"
    reads_content = True

    def __init__(self, settings: Mapping[str, object]) -> None:
        table = PolicyTable(settings)
        directory = table.text("lists", "")
        off = frozenset(table.texts("off", ()))
        self._enough = table.whole("enough", ENOUGH, 3, 100)
        table.done()
        self._classes = _lists(directory)
        known = {one.name for one in self._classes}
        unknown = sorted(off - known)
        if unknown:
            raise ValueError(f"there is no class {unknown[0]} of content (there are: {', '.join(sorted(known))})")
        self._chosen = tuple(one for one in self._classes if one.name not in off)
        self._titles = {one.name: one.title for one in self._classes}
        self.content_classes = {one.name: one.title for one in self._chosen}
        self._matcher = _matcher(self._chosen)
        self._passed = Passed()

    def on_message(self, txn: Transaction, msg: Message) -> MessageVerdict:
        if txn.stream.kind is not Kind.BULK and not txn.stream.consent_required:
            return PASS
        key = (txn.tenant.id, msg.content.digest())
        if key in self._passed:
            return PASS
        found = [one for one in self._found(msg, self._enough) if txn.tenant.permits.isdisjoint((one.name, *one.like))]
        if not found:
            if not txn.tenant.permits:  # what is permitted today may not be tomorrow
                self._passed.add(key)
            return PASS
        told = "; ".join(f"{self._titles[one.name]} ({one.points} points): {one.passage}" for one in found[:TOLD])
        return Continue(effects=(Suspect(f"content suspected of {told}"),))

    def findings(self, tenant: Tenant, msg: Message) -> Sequence[ContentFinding]:
        return [
            ContentFinding(
                policy=self.name,
                about=one.name,
                what=f"{self._titles[one.name]}: {', '.join(one.rules)}",
                where="the text" if tenant.permits.isdisjoint((one.name, *one.like)) else "allowed",
                passage=one.passage,
                sure=one.points / self._enough,
            )
            for one in self._found(msg, 3)
        ]

    def _found(self, msg: Message, least: int) -> list[Suspicion]:
        texts = [one.text for one in msg.content.texts]
        best: dict[str, Suspicion] = {}
        whole = "\n\n".join([msg.subject, *dict.fromkeys([*texts, *beside(msg)])])
        for one in (*self._matcher.suspicions(whole, least), *self._by_links(msg)):
            if one.name not in best or best[one.name].points < one.points:
                best[one.name] = one
        return sorted(best.values(), key=lambda one: -one.points)

    def _by_links(self, msg: Message) -> list[Suspicion]:
        places = {"/".join(link.url.split("/", 3)[:3]) for link in msg.content.links if link.url.startswith("http")}
        hosts = {_host(place) for place in places} - {""}
        found = []
        for one in self._chosen:
            for host in hosts:
                if any(host == d or host.endswith(d if d.startswith(".") else f".{d}") for d in one.domains):
                    found.append(Suspicion(one.name, ENOUGH, f"link to {host}", ("domains",)))
                    break
        return found


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".").lower()
    except ValueError:
        return ""


@lru_cache(maxsize=4)
def _lists(directory: str) -> tuple[WordClass, ...]:
    return read_lists(directory)


_made: dict[tuple[str, ...], tuple[tuple[WordClass, ...], Matcher]] = {}


def _matcher(classes: tuple[WordClass, ...]) -> Matcher:
    """Made once for the same lists: it takes a tenth of a second."""
    names = tuple(one.name for one in classes)
    kept = _made.get(names)
    if kept is None or kept[0] != classes:
        kept = _made[names] = (classes, Matcher(classes, read_model()))
    return kept[1]
