"""Templates, errors and the style sheet: how a page is made from values, in the reader's language."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Final
from urllib.parse import parse_qsl

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from relay.texts.language import LANGUAGES, Language, choose
from relay.web import problems, reasons
from relay.web.brand import PLAIN, Brand

_HTML_PATHS: Final = (
    *("/u/", "/p/", "/why/", "/permission", "/c/", "/report", "/s/", "/confirm/", "/contact/"),
    *("/login", "/register", "/terms", "/account", "/desk"),
)
FITS: Final = 24
"""Letters of an address that a line of a narrow telephone has room for."""
_SELF: Final = "'self'"
_NONE: Final = "'none'"


class Views:
    """Compiled templates; ``base_url`` is the operator's public address."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        style, inner = (_style(name) for name in ("style.css", "account/inside.css"))
        self._digest, self._inside = _digest(style), _digest(inner)
        self._environment = Environment(
            loader=PackageLoader("relay.web"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters["addr"] = _address
        self._environment.globals |= {
            "style": Markup(style),
            "inner_style": Markup(inner),
            "reason_key": reasons.key_of,
            "reply_key": reasons.key_of_reply,
            "step_key": reasons.key_of_step,
        }

    def page(
        self,
        language: Language,
        template: str,
        values: Mapping[str, object],
        status: int = 200,
        *,
        forms_to: str = "",
        frames: Sequence[str] = (),
        brand: Brand = PLAIN,
    ) -> Response:
        """One HTML page under a policy that allows this style sheet and nothing else, but a ``script`` of the values.

        ``forms_to`` is an origin that a form's answer may lead on to, ``frames``
        are those whose pages may frame this one; both checked (``registry.web_address``).
        """
        texts = {"text": language.text, "date": language.date, "language": language.code}
        look = {"brand": brand, "sheet": Markup(brand.sheet), "languages": LANGUAGES}
        html = self._environment.get_template(template).render({**texts, **look, **values})
        headers = {
            "Content-Security-Policy": self._policy(forms_to, frames, brand, script="script" in values),
            "Content-Language": language.code,
            "Vary": "Accept-Language",
        }
        if frames:  # the older header knows no list, and would forbid them
            headers |= {"X-Frame-Options": "", "Cross-Origin-Resource-Policy": "cross-origin"}
        return HTMLResponse(html, status, headers)

    def _policy(self, forms_to: str, frames: Sequence[str], brand: Brand, *, script: bool) -> str:
        own = f" 'sha256-{_digest(brand.sheet)}'" if brand.sheet else ""
        rules = {
            "default-src": _NONE,
            "style-src": f"'sha256-{self._digest}'{own}",
            **({"img-src": _SELF} if brand.logo else {}),
            "form-action": f"{_SELF} {forms_to}".rstrip(),
            **({"script-src": _SELF} if script else {}),
            "base-uri": _NONE,
            "frame-ancestors": " ".join(frames) or _NONE,
        }
        return "; ".join(f"{name} {value}" for name, value in rules.items())

    def inside(self, language: Language, template: str, values: Mapping[str, object], status: int = 200) -> Response:
        """A page behind a log-in; the same policy, with the wider pages' style sheet.

        Where the values name a ``script``, that of the relay's own is allowed beside it, and no other.
        """
        html = self._environment.get_template(template).render(
            {
                "text": language.text,
                "date": language.date,
                "moment": language.moment,
                "number": language.number,
                "language": language.code,
                "languages": LANGUAGES,
                **values,
            }
        )
        rules = (
            f"default-src 'none'; style-src 'sha256-{self._digest}' 'sha256-{self._inside}'; form-action 'self';"
            " frame-src 'self'; base-uri 'none'; frame-ancestors 'none'"
        ) + (f"; script-src {_SELF}" if "script" in values else "")
        headers = {"Content-Security-Policy": rules, "Content-Language": language.code}
        return HTMLResponse(html, status, headers)

    def message(
        self, language: Language, key: str, status: int = 200, *, frames: Sequence[str] = (), **names: object
    ) -> Response:
        """A page of the texts ``key.title``, ``key.lead`` and, where there is one, ``key.detail``."""
        detail = language.text(f"{key}.detail", **names) if language.has(f"{key}.detail") else ""
        title, lead = (language.text(f"{key}.{part}", **names) for part in ("title", "lead"))
        values = {"title": title, "lead": lead, "detail": detail}
        return self.page(language, "message.html", values, status, frames=frames)

    def error(self, scope: Scope, status: int, detail: str = "") -> Response:
        """An error as the client can read it: a page for people, a problem (RFC 9457) for programs."""
        if _wants_html(scope):
            language = spoken(scope)
            title = _text_or(language, f"error.{status}", "error.400")
            lead = _text_or(language, f"error.detail.{status}", "error.detail")
            response = self.page(language, "message.html", {"title": title, "lead": lead, "detail": ""}, status)
            if status == 503:
                response.headers["Retry-After"] = str(problems.RETRY_AFTER_S)
            return response
        word = "busy" if status == 503 else ""
        return problems.response(problems.document(status, base_url=self.base_url, word=word, detail=detail))


def _style(name: str) -> str:
    return resources.files("relay.web").joinpath("templates", *name.split("/")).read_text("utf-8")


def _digest(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _address(text: str, fits: int = FITS) -> Markup:
    """A long one may break before its ``@``, rather than anywhere."""
    return escape(text) if len(text) <= fits else escape(text).replace("@", Markup("<wbr>@"))


def _text_or(language: Language, key: str, other: str) -> Markup:
    return language.text(key if language.has(key) else other)


def asked_language(scope: Scope) -> str:
    """The code in ``?lang=`` where it is a language of ours, else empty."""
    try:
        pairs = parse_qsl(scope.get("query_string", b"").decode("latin-1")[:2_000], max_num_fields=20)
    except ValueError:
        return ""
    return next((value for name, value in pairs if name == "lang" and value in LANGUAGES), "")


def spoken(scope: Scope, known: str = "") -> Language:
    """The reader's language: as asked for in the address, else the ``known`` one, else the browser's."""
    accept = b",".join(value for name, value in scope["headers"] if name == b"accept-language")
    return choose(asked_language(scope), known, accept=accept.decode("latin-1"))


def masked(address: str) -> str:
    """``j…@example.com``: enough for its owner; a forwarded link shows no more."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…\u2060@{domain}"  # a word joiner: no line break within


def _wants_html(scope: Scope) -> bool:
    path: str = scope["path"]
    if path.startswith(_HTML_PATHS):
        return True
    if path.startswith("/v1/"):
        return False
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])
