"""``/account/keys``: what lets applications in: credentials for SMTP, tokens for HTTP, and webhooks that call out.

Each secret is on the page that made it, once.
"""

from __future__ import annotations

from typing import Final

from anyio import from_thread
from starlette.exceptions import HTTPException
from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.conduct import account
from relay.store.contract import Tx
from relay.tenants import api_tokens, credentials, streams, tenants
from relay.tenants.credentials import CredentialRow
from relay.values.errors import RegistryError
from relay.web.inside.gate import GuardedPage, PageRequest, act, show
from relay.web.inside.moments import moment_of
from relay.webhooks import book, tries
from relay.webhooks.book import WebhookRow
from relay.webhooks.keys import secret_text
from relay.webhooks.tries import ReplayWish
from relay.webhooks.try_out import try_out

HERE: Final = "/account/keys"
MOST_TRIES: Final = 50
MOST_TESTS: Final = 2
"""Of a tenant at a time."""


def listing(asked: PageRequest) -> Response:
    with asked.context.storage.read() as conn:
        values = {
            "credentials": [one for one in credentials.listing(conn, asked.tenant_id) if one.revoked_at is None],
            "tokens": [one for one in api_tokens.of_tenant(conn, asked.tenant_id) if one.revoked_at is None],
            "webhooks": book.of_tenant(conn, asked.tenant_id),
            "streams": streams.of_tenant(conn, asked.tenant_id),
            "scopes": api_tokens.SCOPES,
        }
    return asked.page("account/keys.html", values)


def add_credential(asked: PageRequest) -> Response:
    context = asked.context
    with context.storage.write() as conn:
        owner = account.alive(conn, tenants.by_id(conn, asked.tenant_id))
        stream = streams.find(conn, owner, asked.field("stream", 63))
        row, password = credentials.add_password(
            conn, context.secrets, owner, stream, actor=asked.visitor.shown, now=asked.now
        )
        asked.note(conn, "did", f"credential {row.username}: added")
    return _secret(asked, row.username, password)


def change_credential(asked: PageRequest) -> Response:
    """reset or revoke."""
    word, context = asked.request.path_params["deed"], asked.context
    with context.storage.write() as conn:
        row = _credential(conn, asked)
        if word == "reset":
            row, password = credentials.reset(conn, context.secrets, row, actor=asked.visitor.shown, now=asked.now)
        elif word == "revoke":
            password = ""
            credentials.revoke(conn, row, actor=asked.visitor.shown, now=asked.now)
        else:
            raise HTTPException(404)
        asked.note(conn, "did", f"credential {row.name}: {word}")
    return _secret(asked, row.username, password) if password else asked.to(HERE)


def add_token(asked: PageRequest) -> Response:
    context = asked.context
    scopes = [scope for scope in api_tokens.SCOPES if asked.field(f"scope-{scope}", 3) == "yes"]
    with context.storage.write() as conn:
        owner = account.alive(conn, tenants.by_id(conn, asked.tenant_id))
        row, token = api_tokens.add(
            conn,
            context.secrets,
            owner,
            asked.field("name", 63),
            scopes=scopes,
            sandbox=asked.field("sandbox", 3) == "yes",
            actor=asked.visitor.shown,
            now=asked.now,
        )
        asked.note(conn, "did", f"token {row.name}: added")
    return _secret(asked, row.name, token)


def revoke_token(asked: PageRequest) -> Response:
    with asked.context.storage.write() as conn:
        owner = tenants.by_id(conn, asked.tenant_id)
        name = next((one.name for one in api_tokens.of_tenant(conn, owner.id) if one.id == asked.number()), None)
        if name is None:
            raise HTTPException(404)
        api_tokens.revoke(conn, owner, name, actor=asked.visitor.shown, now=asked.now)
        asked.note(conn, "did", f"token {name}: revoked")
    return asked.to(HERE)


def add_webhook(asked: PageRequest) -> Response:
    context = asked.context
    with context.storage.write() as conn:
        owner = account.alive(conn, tenants.by_id(conn, asked.tenant_id))
        row, key = book.add(
            conn,
            context.secrets,
            owner.id,
            asked.field("url", 2_000),
            [word for word in asked.field("events", 1_000).replace(",", " ").split() if word],
            allow_private=context.callout.allow_private,
            actor=asked.visitor.shown,
            now=asked.now,
        )
        asked.note(conn, "did", f"webhook {row.word}: added")
    return _secret(asked, row.url, secret_text(key))


def webhook(asked: PageRequest) -> Response:
    """What was tried, and what its server answered."""
    return _tries(asked)


def _tries(asked: PageRequest, **told: object) -> Response:
    """``told``: what a test or sending again led to."""
    with asked.context.storage.read() as conn:
        row = _webhook(conn, asked)
        found = tries.log(conn, row.id, before=asked.before(), limit=MOST_TRIES + 1)
    following = found[MOST_TRIES - 1][0] if len(found) > MOST_TRIES else None
    values: dict[str, object] = {"row": row, "tries": [one for _, one in found[:MOST_TRIES]], "following": following}
    return asked.page("account/webhook.html", values | {"queued": None, "answer": None} | told)


def _test(asked: PageRequest) -> Response:
    """One event that never happened, now; a webhook that has ended goes on if it is answered well."""
    context, place = asked.context, ("webhook-test", asked.tenant_id)
    if not context.running.take(place, MOST_TESTS):
        raise RegistryError("two tests are running; one has to end first")
    try:
        with context.storage.read() as conn:
            row = _webhook(conn, asked)
            keys = book.signing(conn, context.secrets, row.id, asked.now)
        client, private = context.callout.client(), context.callout.allow_private
        answer = from_thread.run(try_out, client, row, keys, private, asked.now)
    finally:
        context.running.give_back(place)
    with context.storage.write() as conn:
        if answer.ok and row.ended_at is not None:
            book.resume(conn, row, actor=asked.visitor.shown, now=asked.now)
        asked.note(conn, "did", f"webhook {row.word}: test")
    return _tries(asked, answer=answer)


def _again(asked: PageRequest) -> Response:
    """Events once more: those that were never answered well, or all since a moment."""
    failed = asked.field("which", 6) != "since"
    wish = ReplayWish(failed=True) if failed else ReplayWish(since=moment_of(asked.field("since", 40)))
    with asked.context.storage.write() as conn:
        row = _webhook(conn, asked)
        queued = tries.replay(conn, row, wish, asked.now)
        asked.note(conn, "did", f"webhook {row.word}: {queued} events once more")
    return _tries(asked, queued=queued)


def change_webhook(asked: PageRequest) -> Response:
    """rotate, remove, test or replay."""
    word, context = asked.request.path_params["deed"], asked.context
    if word in _SENDING:
        return _SENDING[word](asked)
    secret = ""
    with context.storage.write() as conn:
        row = _webhook(conn, asked)
        if word == "rotate":
            made = book.rotate(conn, context.secrets, row, actor=asked.visitor.shown, now=asked.now)
            secret = secret_text(made)
        elif word == "remove":
            book.remove(conn, row, actor=asked.visitor.shown, now=asked.now)
        else:
            raise HTTPException(404)
        asked.note(conn, "did", f"webhook {row.word}: {word}")
    return _secret(asked, row.url, secret) if secret else asked.to(HERE)


_SENDING: Final[dict[str, GuardedPage]] = {"test": _test, "replay": _again}
ROUTES = [
    show(HERE, listing, Deed.OWN),
    act(f"{HERE}/credentials", add_credential, Deed.OWN),
    act(f"{HERE}/credentials/{{id}}/{{deed}}", change_credential, Deed.OWN),
    act(f"{HERE}/tokens", add_token, Deed.OWN),
    act(f"{HERE}/tokens/{{id}}/revoke", revoke_token, Deed.OWN),
    act(f"{HERE}/webhooks", add_webhook, Deed.OWN),
    show(f"{HERE}/webhooks/{{id}}", webhook, Deed.OWN),
    act(f"{HERE}/webhooks/{{id}}/{{deed}}", change_webhook, Deed.OWN),
]


def _secret(asked: PageRequest, name: str, secret: str) -> Response:
    return asked.page("account/secret.html", {"name": name, "secret": secret, "back": HERE})


def _credential(conn: Tx, asked: PageRequest) -> CredentialRow:
    for row in credentials.listing(conn, asked.tenant_id):
        if row.id == asked.number() and row.revoked_at is None:
            return row
    raise HTTPException(404)


def _webhook(conn: Tx, asked: PageRequest) -> WebhookRow:
    try:
        return book.find(conn, asked.tenant_id, asked.number())
    except RegistryError:
        raise HTTPException(404) from None
