"""What a campaign says: copies compared, HTML made harmless, what is kept and for how long (R15)."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

import pytest

from relay.exemplars import harmless, keep, sample
from relay.exemplars.compare import blanked, compare
from relay.exemplars.exemplar import made
from relay.exemplars.values import Exemplar
from relay.mail.additions import Additions
from relay.mail.content import Content
from relay.mail.scan import ScanLimits, scan
from relay.mail.template import compile_template
from relay.pipeline.contract import Stage
from relay.store.database import transaction
from relay.store.kept import KeptConnection
from tests.unit.records import NOW, agree, open_shop, put

STORY = "the harbour festival moves to next weekend because of the storm, all tickets stay valid until then."


@pytest.mark.parametrize(
    ("texts", "text", "examples"),
    [
        (["Dear Anna, hello.", "Dear Bob, hello."], "Dear «1», hello.", [("Anna", "Bob")]),
        (["Dear Anna Maria Lie, hello.", "Dear Bob, hello."], "Dear «1», hello.", [("Anna Maria Lie", "Bob")]),
        (["You pay 12.50 EUR on 3 May.", "You pay 7.00 EUR on 9 May."], "You pay «1» EUR on «2» May.", None),
        (["same", "same"], "same", []),
        (["Code A1B2", "Code C3D4", "Code E5F6"], "Code «1»", [("A1B2", "C3D4", "E5F6")]),
        # A name that is a word elsewhere in the text.
        (["Dear Rose, buy a rose.", "Dear Bob, buy a rose."], "Dear «1», buy a rose.", [("Rose", "Bob")]),
        (["", ""], "", []),
        (["Sevgili Çağla, merhaba", "Sevgili Ömer, merhaba"], "Sevgili «1», merhaba", [("Çağla", "Ömer")]),
        (["親愛的 安娜 您好", "親愛的 鮑勃 您好"], "親愛的 «1» 您好", [("安娜", "鮑勃")]),
        # One copy has a block that others have not: nothing to match, its own is told.
        (["a b c d e", "a b c x y z q d e"], "a b c d e", []),
        (["one\nAnna\ntwo", "one\nBob\ntwo"], "one\n«1»\ntwo", [("Anna", "Bob")]),
    ],
)
def test_what_differs_becomes_a_mark(texts: list[str], text: str, examples: list[tuple[str, ...]] | None) -> None:
    found = compare(texts)
    assert found.text == text
    if examples is not None:
        assert [one for _, one in found.marks] == examples


@pytest.mark.parametrize(
    ("urls", "expected"),
    [
        (["https://s.example/p?id=a1", "https://s.example/p?id=b2"], "https://s.example/p?id=«…»"),
        (["https://s.example/u/77/x", "https://s.example/u/78/x"], "https://s.example/u/«…»/x"),
        (["https://anna.s.example/", "https://bob.s.example/"], "https://«…».s.example/"),
        (["https://s.example/", "https://s.example/"], "https://s.example/"),
    ],
)
def test_what_differs_in_addresses_is_a_gap(urls: list[str], expected: str) -> None:
    assert blanked(urls) == expected


def test_long_texts_that_share_nothing_are_compared_in_no_time() -> None:
    found = compare([" ".join(f"w{n}x{copy}" for n in range(20_000)) for copy in range(4)])
    assert found.common == 0 and found.text == "«1»"


# --- HTML ---------------------------------------------------------------------------

ATTACKS: Mapping[str, str] = {
    "script": "<script>alert(1)</script><p>text</p>",
    "handler": '<p onclick="alert(1)" onmouseover=alert(2)>text</p>',
    "picture": '<img src="https://spy.example/o.gif" onerror=alert(1)><p>text',
    "srcset": '<img srcset="https://spy.example/a 2x"><picture><source srcset="//spy.example/x"></picture>text',
    "background": '<table background="https://spy.example/x"><tr><td style="background:url(//spy.example/y)">text',
    "css escape": '<p style="background:u\\72l(//spy.example)">text</p>',
    "css comment": '<p style="background:ur/**/l(//spy.example)">text</p>',
    "style sheet": "<style>@import '//spy.example/x.css'; p{background:url(//spy.example)}</style><p>text",
    "link element": '<link rel=stylesheet href="//spy.example/x.css">text',
    "meta refresh": '<meta http-equiv="refresh" content="0;url=https://spy.example/">text',
    "base": '<base href="https://spy.example/"><a href="x">text</a>',
    "frame": '<iframe src="https://spy.example/"></iframe><frameset><frame src=x></frameset>text',
    "object": '<object data="//spy.example/x"><embed src="//spy.example/y"></object>text',
    "svg": '<svg onload=alert(1)><script>alert(1)</script><a xlink:href="javascript:x">q</a></svg>text',
    "math": "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></table></math>text",
    "form": '<form action="https://spy.example/"><input name=password value="give"><button>send</button></form>text',
    "javascript link": '<a href="javascript:alert(1)">text</a>',
    "data link": '<a href="data:text/html,<script>alert(1)</script>">text</a>',
    "end of ours": "</body></html><script>alert(1)</script>text",
    "unclosed": '<p title="text',
    "unclosed comment": "text<!-- <p>",
    "broken tag": "<p <script>alert(1)</script>text",
    "entities": "&lt;script&gt;alert(1)&lt;/script&gt;text",
    "entities twice": "&amp;lt;script&amp;gt;text",
    "entity in a style": '<p style="background:&#117;rl(//spy.example)">text</p>',
    "fixed over all": '<div style="position:fixed;top:0;z-index:9">text</div>',
    "noscript": '<noscript><p title="</noscript><img src=x onerror=alert(1)>">text</noscript>',
    "attribute": "<p title='\"><script>alert(1)</script>'>text</p>",
    "nul": "<scr\x00ipt>alert(1)</scr\x00ipt>text",
    "amp": "<amp-img src=https://spy.example/x></amp-img>text",
    "conditional": "<!--[if mso]><img src=https://spy.example/x><![endif]-->text",
    "plaintext": "text<plaintext><script>alert(1)</script>",
    "textarea": "text<textarea></textarea><script>alert(1)</script>",
    "deep": "<div>" * 5_000 + "text" + "</div>" * 5_000,
    "link without an end": '<a href="https://x.example/">text<a href="https://y.example/">more',
}
HARMLESS = {"body", "head", "html", "meta", "title", "div", "span", "p", "table", "tr", "td", "small", "pre"}


class Seen(HTMLParser):
    """What a browser would find in it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_of_a_message_loads_runs_or_leads_anywhere(name: str) -> None:
    page = harmless.page(ATTACKS[name], "a title")
    seen = Seen()
    seen.feed(page)
    seen.close()
    assert seen.tags <= HARMLESS, seen.tags
    names = {key for key, _ in seen.attributes}
    assert names <= {"charset", "content", "http-equiv", "name", "style", "class", "align", "title"}, names
    styles = " ".join(value for key, value in seen.attributes if key == "style")
    assert not re.search(r"url|//|\\|position|import", styles), styles
    assert page.count("http-equiv") == 1 and "default-src 'none'" in page
    assert "text" in page.partition("<body>")[2] or name == "unclosed"
    assert page.endswith("</body></html>")


def test_what_is_harmless_stays_to_be_looked_at() -> None:
    page = harmless.page(
        '<body bgcolor="#fff"><table width=600 align="center"><tr><td style="color:#333;padding:8px">'
        '<b>Hi</b> <a href="https://shop.example/sale?x=1&amp;y=2">Sale</a>'
        '<img src="https://cdn.example/a.png" alt="Boots">'
    )
    assert '<table width="600" align="center">' in page and 'style="color:#333; padding:8px"' in page
    assert "Sale <small>[shop.example]</small></span>" in page and "[picture, Boots, cdn.example]" in page
    assert "href" not in page and "src" not in page.replace("default-src", "").replace("style-src", "")


# --- made of copies -------------------------------------------------------------------


def content(body: str, head: str = "", to: str = "anna@people.example") -> Content:
    text = f"From: Shop <news@shop.example>\r\nTo: {to}\r\nSubject: News\r\n{head}\r\n{body}\r\n"
    return Content(scan(text.encode(), ScanLimits()))


def exemplar(*contents: Content) -> Exemplar:
    found = made(1, contents, NOW)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("html", "host", "reads", "claims"),
    [
        ('<a href="https://shop.example/x">Sale</a>', "shop.example", "", ""),
        ('<a href="https://evil.example/x">www.bank.example</a>', "evil.example", "", "www.bank.example"),
        ('<a href="https://www.bank.example/">bank.example</a>', "www.bank.example", "", ""),
        ('<a href="https://login.bank.example/">https://bank.example/login</a>', "login.bank.example", "", ""),
        (
            '<a href="https://bank.example.evil.example/">bank.example</a>',
            "bank.example.evil.example",
            "",
            "bank.example",
        ),
        ('<a href="https://xn--bcher-kva.example/">Books</a>', "xn--bcher-kva.example", "bücher.example", ""),
        ('<a href="https://bücher.example/">Books</a>', "xn--bcher-kva.example", "bücher.example", ""),
        ('<a href="https://user:pw@evil.example:8443/x">Sale</a>', "evil.example", "", ""),
        ('<a href="https:\\\\evil.example\\x">Sale</a>', "evil.example", "", ""),
        ('<a href="mailto:boss@other.example">write</a>', "other.example", "", ""),
        ('<a href="http://[::1]/x">Sale</a>', "::1", "", ""),
        ('<a href="http://192.0.2.7/x">v1.2 of it</a>', "192.0.2.7", "", ""),
        ('<a href="https://[bad/x">Sale</a>', "", "", ""),
    ],
)
def test_links_are_told_with_where_they_lead(html: str, host: str, reads: str, claims: str) -> None:
    (link,) = exemplar(content(f"<p>{html}</p>", "Content-Type: text/html; charset=utf-8\r\n")).links
    assert (link.host, link.reads, link.claims) == (host, reads, claims)


def test_links_of_copies_are_one_without_their_tokens() -> None:
    html = '<a href="https://s.example/{0}/a">Sale</a> <a href="https://s.example/{0}/a">Sale</a>'
    made_of = [content(html.format(n), "Content-Type: text/html\r\n") for n in (17, 23, 99)]
    (link,) = exemplar(*made_of).links
    assert (link.url, link.places) == ("https://s.example/«…»/a", 2)


def test_attachments_are_told_by_name_type_size_and_digest() -> None:
    part = "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\nContent-Type: application/pdf\r\n"
    part += 'Content-Disposition: attachment; filename="{0}.pdf"\r\n'
    part += "Content-Transfer-Encoding: base64\r\n\r\nJVBERi0{1}\r\n--b--"
    head = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
    same = exemplar(*(content(part.format("terms", "x"), head) for _ in range(2))).attachments[0]
    assert (same.name, same.content_type, same.size_octets, same.differs) == ("terms.pdf", "application/pdf", 6, False)
    own = exemplar(*(content(part.format(f"invoice {n}", n), head) for n in "AB")).attachments[0]
    assert (own.name, own.differs) == ("invoice «…»", True) or own.name == "invoice «…».pdf"


def test_what_is_hidden_from_readers_is_told() -> None:
    html = '<p>Hello</p><div style="display:none">cheap pills</div>'
    (text,) = exemplar(content(html, "Content-Type: text/html\r\n")).texts
    assert (text.text, text.hidden) == ("Hello", "cheap pills")


# --- the store --------------------------------------------------------------------------


def store_campaign(conn: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, people: int = 12) -> int:
    """A staged campaign of one message each, as an application sends them."""
    done = None
    for number in range(people):
        email = f"p{number}@people.example"
        agree(conn, email)
        text = (
            f"From: news@shop.example\r\nTo: {email}\r\nSubject: News for P{number}\r\n\r\nDear P{number}, {STORY}\r\n"
        )
        template = compile_template(scan(text.encode(), ScanLimits()), Additions()).encode()
        id_, done = put(conn, [email], campaign="news", stage=Stage(every=10, most=1000), now=NOW + number)
        conn.execute("UPDATE body SET template = ? WHERE submission_id = ?", (template, id_))
    assert done is not None and done.campaign_id is not None
    return done.campaign_id


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "relay.db"


def test_it_is_kept_without_what_is_personal_when_the_copies_are_gone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conn = open_shop(path)
    id_ = store_campaign(conn, monkeypatch)
    live = keep.of_campaign(conn, id_, "https://relay.example", NOW)
    assert live is not None and (live.compared, live.kept) == (2 * sample.SIDE, False)
    assert live.subject == "News for «" + live.subject[10:] and live.texts[0].text == f"Dear «2», {STORY}"
    assert any("P1" in " ".join(one.examples) or "P2" in " ".join(one.examples) for one in live.varies)
    assert keep.turn(KeptConnection(path), "https://relay.example", NOW, {}) == 1
    assert keep.turn(KeptConnection(path), "https://relay.example", NOW, {}) == 0, "one is enough"
    with transaction(conn):
        conn.execute("UPDATE recipient SET state = 2")
        conn.execute("DELETE FROM body")
    kept = keep.of_campaign(conn, id_, "https://relay.example", NOW)
    assert kept is not None and kept.kept and kept.texts == live.texts
    assert not re.search(r"\bP\d", str(conn.execute("SELECT content FROM exemplar").fetchone()[0]))
    with transaction(conn):
        assert keep.forget(conn, NOW) == 0 and keep.forget(conn, NOW + 1) == 1
    assert keep.of_campaign(conn, id_, "https://relay.example", NOW) is None


def test_of_one_copy_alone_nothing_is_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conn = open_shop(path)
    store_campaign(conn, monkeypatch, people=1)
    done: dict[int, float] = {}
    assert keep.turn(KeptConnection(path), "https://relay.example", NOW, done) == 0


def test_a_body_that_cant_be_read_shows_nothing_and_breaks_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conn = open_shop(path)
    id_ = store_campaign(conn, monkeypatch)
    conn.execute("UPDATE body SET template = ?", (b"\x00not a template",))
    assert keep.of_campaign(conn, id_, "https://relay.example", NOW) is None
    done: dict[int, float] = {}
    assert keep.turn(KeptConnection(path), "https://relay.example", NOW, done) == 0 and done == {id_: NOW}
