"""Letters to a tenant about its account, in its language: what was done, why, and how to object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relay.conduct.statements import Statement
from relay.queue import to_tenant
from relay.queue.operator import Operator
from relay.store.contract import Tx
from relay.tenants import tenants
from relay.texts.language import Language, choose
from relay.values.tenant import TenantRow


def tell(conn: Tx, operator: Operator, tenant: TenantRow, statement: Statement, now: float) -> None:
    """Mail a statement to the tenant's contact, in the caller's transaction."""
    language = choose(tenant.language)
    key = f"conduct.{statement.action}"
    subject = language.plain(f"{key}.subject", tenant=tenant.shown)
    paragraphs = [language.plain("mail.hello"), language.plain(f"{key}.lead", tenant=tenant.shown)]
    if statement.about:
        paragraphs.append(language.plain("conduct.about", about=about(language, statement)))
    if statement.reason:
        paragraphs.append(language.plain("conduct.reason", reason=statement.reason))
    facts = "\n".join(f"* {fact(language, one)}" for one in statement.facts)
    if facts:
        paragraphs.append(f"{language.plain('conduct.facts')}\n{facts}")
    paragraphs.append(language.plain("conduct.rule", rule=rule(language, statement.rule)))
    paragraphs.append(language.plain("conduct.automatic" if statement.automatic else "conduct.by_person"))
    paragraphs.append(language.plain("conduct.object", number=statement.id))
    to_tenant.tell(conn, operator, tenant.contact, language.code, subject, paragraphs, now=now)


def decided(conn: Tx, operator: Operator, statement: Statement, now: float) -> None:
    """Mail what was decided on the tenant's answer."""
    tenant = tenants.by_id(conn, statement.tenant_id)
    language = choose(tenant.language)
    paragraphs = [
        language.plain("mail.hello"),
        language.plain("conduct.decided.lead", number=statement.id, date=language.date(statement.at)),
        statement.decision,
    ]
    subject = language.plain("conduct.decided.subject", tenant=tenant.shown)
    to_tenant.tell(conn, operator, tenant.contact, language.code, subject, paragraphs, now=now)


def fact(language: Language, one: Mapping[str, Any]) -> str:
    """A fact in words."""
    values = dict(one)
    key = f"conduct.fact.{values.pop('fact')}"
    if "scope" in values:
        values["scope"] = _scope(language, str(values["scope"]), str(values.pop("name", "")))
    for name in ("at", "until"):
        if isinstance(values.get(name), int | float):
            values[name] = language.date(values[name])
    return language.plain(key, **values) if language.has(key) else ", ".join(f"{k}: {v}" for k, v in values.items())


def about(language: Language, statement: Statement) -> str:
    """What a statement is about, in words."""
    kind, _, name = statement.about.partition(":")
    key = f"conduct.about.{kind}"
    return language.plain(key, name=name) if language.has(key) else statement.about


def rule(language: Language, number: str) -> str:
    """A rule in words, with its number."""
    key = f"conduct.rule.{number}"
    return f"{language.plain(key)} ({number})" if language.has(key) else number


def _scope(language: Language, scope: str, name: str) -> str:
    kind = scope.partition(":")[0] or "tenant"
    return language.plain(f"conduct.scope.{kind}", name=name)
