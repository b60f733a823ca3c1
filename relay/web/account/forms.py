"""``/account/forms``: subscription forms: made, changed, looked at as people see them, HTML to paste, removed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.conduct import account
from relay.intake.stored import StoredText
from relay.people import topics, wording_check
from relay.people.consent_rules import ConsentRefused
from relay.signup import figures, forms
from relay.signup.forms import Form, FormWish, Topic
from relay.signup.snippet import frame, snippet
from relay.store.contract import Tx
from relay.tenants import tenants
from relay.texts.language import LANGUAGES
from relay.values.errors import RegistryError
from relay.web import review
from relay.web.inside.gate import PageRequest, act, show
from relay.web.public import subscribe
from relay.web.review import ReviewRefused

HERE: Final = "/account/forms"
MOST_WORDING: Final = 20_000
MOST_ORIGINS: Final = 2_000


def listing(asked: PageRequest) -> Response:
    with asked.context.storage.read() as conn:
        rows = [(one, figures.of_form(conn, one.id)) for one in forms.of_tenant(conn, asked.tenant_id)]
        values = {
            "rows": rows,
            "wish": FormWish((), ""),
            "topics": topics.of_tenant(conn, asked.tenant_id),
            "changes": asked.visitor.may(Deed.CHANGE),
            **_known(),
        }
    return asked.page("account/forms.html", values)


def one(asked: PageRequest) -> Response:
    """The form with its HTML, and as people see it."""
    context = asked.context
    with context.storage.read() as conn:
        form = _find(conn, asked)
        tenant = tenants.by_id(conn, asked.tenant_id)
        values = {
            "form": form,
            "wish": FormWish.of(form),
            "url": f"{context.views.base_url}/s/{form.key}",
            "html": snippet(context.secrets, form, context.views.base_url, tenant.shown),
            "frame": frame(form, context.views.base_url),
            "figures": figures.of_form(conn, form.id),
            "topics": topics.of_tenant(conn, asked.tenant_id),
            "gaps": wording_check.gaps(form.wording, form.language, abroad=context.consent.transfer_abroad),
            "changes": asked.visitor.may(Deed.CHANGE),
            **_known(),
        }
    return asked.page("account/form.html", values)


def preview(asked: PageRequest) -> Response:
    """The stored form's page, for the frame."""
    with asked.context.storage.read() as conn:
        form = _find(conn, asked)
    return subscribe.preview(asked.request, form, asked.language)


def preview_wish(asked: PageRequest) -> Response:
    """The page as it would be with what is filled in, for the frame; nothing is stored."""
    wish = _wish(asked)
    with asked.context.storage.read() as conn:
        chosen = [
            Topic(one.id, one.name, one.title, one.description) for one in topics.of_tenant(conn, asked.tenant_id)
        ]
    form = Form(
        id=0,
        tenant_id=asked.tenant_id,
        name="",
        key="preview",
        title=" ".join(wish.title.split())[: forms.MAX_TITLE],
        wording_id=0,
        wording=wish.wording,
        language=wish.language if wish.language in LANGUAGES else "",
        ask_age=wish.ask_age,
        redirect="",
        frames=(),
        created_at=asked.now,
        topics=tuple(one for one in chosen if one.name in wish.topics),
        ask_tracking=wish.ask_tracking,
    )
    return subscribe.preview(asked.request, form, asked.language)


def add(asked: PageRequest) -> Response:
    """A page to link to, and HTML to paste."""
    name, context, wish = asked.field("name", 63), asked.context, _wish(asked)
    with _as_faults():
        _check_wording(asked, wish.wording)
        reviewed = review.look(context, asked.tenant_id, StoredText(f"form {name}", wish.title, wish.wording, ""))
        with context.storage.write() as conn:
            owner = account.alive(conn, tenants.by_id(conn, asked.tenant_id))
            made = forms.add(conn, owner, name, wish, languages=LANGUAGES, actor=asked.visitor.shown, now=asked.now)
            reviewed.tell(context, conn, owner.name)
            asked.note(conn, "did", f"form {name}: added")
    return asked.to(f"{HERE}/{made.name}")


def change(asked: PageRequest) -> Response:
    """edit or remove; requests under way keep the wording they were made with."""
    word, context = asked.request.path_params["deed"], asked.context
    with context.storage.read() as conn:
        form = _find(conn, asked)
    by = {"actor": asked.visitor.shown, "now": asked.now}
    if word == "remove":
        with context.storage.write() as conn:
            forms.remove(conn, tenants.by_id(conn, asked.tenant_id), form.name, **by)  # type: ignore[arg-type]
            asked.note(conn, "did", f"form {form.name}: removed")
        return asked.to(HERE)
    if word != "edit":
        raise HTTPException(404)
    wish = _wish(asked)
    with _as_faults():
        if wish.wording != form.wording:
            _check_wording(asked, wish.wording)
        look_at = StoredText(f"form {form.name}", wish.title, wish.wording, "")
        reviewed = review.look(context, asked.tenant_id, look_at)
        with context.storage.write() as conn:
            owner = tenants.by_id(conn, asked.tenant_id)
            forms.edit(conn, owner, form.name, wish, languages=LANGUAGES, **by)  # type: ignore[arg-type]
            reviewed.tell(context, conn, owner.name)
            asked.note(conn, "did", f"form {form.name}: changed")
    return asked.to(f"{HERE}/{form.name}")


ROUTES = [
    show(HERE, listing, Deed.SEE),
    act(HERE, add, Deed.CHANGE),
    act("/account/form-preview", preview_wish, Deed.SEE),
    show(f"{HERE}/{{name}}", one, Deed.SEE),
    show("/account/form-preview/{name}", preview, Deed.SEE),
    act(f"{HERE}/{{name}}/{{deed}}", change, Deed.CHANGE),
]


def _known() -> dict[str, object]:
    return {"form_languages": LANGUAGES}


def _find(conn: Tx, asked: PageRequest) -> Form:
    found = forms.named(conn, asked.tenant_id, asked.request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    return found


def _wish(asked: PageRequest) -> FormWish:
    chosen = tuple(value for name, value in asked.fields if name == "topic")
    return FormWish(
        topics=tuple(dict.fromkeys(one[:63] for one in chosen))[: forms.MAX_TOPICS + 1],
        wording=asked.field("wording", MOST_WORDING).replace("\r\n", "\n"),
        title=asked.field("title", forms.MAX_TITLE + 1),
        language=asked.field("language", 5),
        ask_age=asked.field("ask_age", 3) == "yes",
        redirect=asked.field("redirect", 2_000),
        frames=tuple(asked.field("frames", MOST_ORIGINS).split()),
        ask_tracking=asked.field("ask_tracking", 3) == "yes",
    )


def _check_wording(asked: PageRequest, wording: str) -> None:
    """As the operator asks of wordings (R2)."""
    asks = asked.context.consent
    if asks.wording_gaps == "refuse" and (missing := wording_check.gaps(wording, abroad=asks.transfer_abroad)):
        raise RegistryError(wording_check.sentence(missing))


@contextmanager
def _as_faults() -> Iterator[None]:
    """What is refused, as the page of a refusal says it."""
    try:
        yield
    except (ConsentRefused, ReviewRefused) as error:
        raise RegistryError(str(error)) from error
