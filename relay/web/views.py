"""Templates, errors and the style sheet: how a page is made from values."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib import resources
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from relay.web import problems, texts

_HTML_PATHS: Final = ("/u/", "/p/", "/report/")


class Views:
    """Compiled templates; ``base_url`` is the operator's public address."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        style = resources.files("relay.web").joinpath("templates", "style.css").read_text("utf-8")
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self._policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'"
        )
        self._environment = Environment(
            loader=PackageLoader("relay.web"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals |= {
            "text": texts.text,
            "date": texts.date,
            "language": texts.LANGUAGE,
            "style": Markup(style),
        }

    def page(self, template: str, values: Mapping[str, object], status: int = 200) -> Response:
        """One HTML page under a policy that allows this style sheet and nothing else."""
        html = self._environment.get_template(template).render(values)
        return HTMLResponse(html, status, {"Content-Security-Policy": self._policy})

    def message(self, status: int, title: Markup, lead: Markup, detail: Markup | str = "") -> Response:
        return self.page("message.html", {"title": title, "lead": lead, "detail": detail}, status)

    def error(self, scope: Scope, status: int, detail: str = "") -> Response:
        """An error as the client can read it: a page for people, a problem (RFC 9457) for programs."""
        if _wants_html(scope):
            response = self.message(status, texts.error_title(status), texts.error_detail(status))
            if status == 503:
                response.headers["Retry-After"] = str(problems.RETRY_AFTER_S)
            return response
        word = "busy" if status == 503 else ""
        return problems.response(problems.document(status, base_url=self.base_url, word=word, detail=detail))


def _wants_html(scope: Scope) -> bool:
    path: str = scope["path"]
    if path.startswith(_HTML_PATHS):
        return True
    if path.startswith("/v1/"):
        return False
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])
