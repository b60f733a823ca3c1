"""Where the footer goes in HTML, and what guards it; the proof on a screen is in tests/peers/test_footer_visible.py."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.additions import Additions
from relay.mail.html import block, guard, plan
from relay.mail.html_css import Sheets
from relay.mail.html_tokens import TokenKind, attributes, tokens
from relay.mail.render import Renderer
from relay.mail.scan import ScanLimits, scan
from relay.mail.template import compile_template


def kinds(html: str) -> list[tuple[str, str]]:
    return [(token.kind.value, html[token.start : token.end]) for token in tokens(html)]


# --- tokens --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("a<b>c", [("text", "a"), ("start", "<b>"), ("text", "c")]),
        ("<!-->x", [("comment", "<!-->"), ("text", "x")]),
        ("<!--->x", [("comment", "<!--->"), ("text", "x")]),
        ("<!---->x", [("comment", "<!---->"), ("text", "x")]),
        ("<!--a--!>x", [("comment", "<!--a--!>"), ("text", "x")]),
        ("<!--a-- >b-->x", [("comment", "<!--a-- >b-->"), ("text", "x")]),
        ("<!--<!--a-->x", [("comment", "<!--<!--a-->"), ("text", "x")]),
        ("<!a>x", [("comment", "<!a>"), ("text", "x")]),
        ("<?a>x", [("comment", "<?a>"), ("text", "x")]),
        ("</ a>x", [("comment", "</ a>"), ("text", "x")]),
        ("<![CDATA[a>x", [("cdata", "<![CDATA[a>"), ("text", "x")]),
        ("< b>", [("text", "< b>")]),
        ("<3", [("text", "<3")]),
        ("<a b='>'>x", [("start", "<a b='>'>"), ("text", "x")]),
        ('<a "b>x', [("start", '<a "b>'), ("text", "x")]),
        ('<a ="b>c">', [("start", '<a ="b>'), ("text", 'c">')]),
        ("<a b==c>x", [("start", "<a b==c>"), ("text", "x")]),
        ("<a b = 'c' d>x", [("start", "<a b = 'c' d>"), ("text", "x")]),
        ("<a b='c'd='>'>x", [("start", "<a b='c'd='>'>"), ("text", "x")]),
        ("<a/b='>'/>x", [("start", "<a/b='>'/>"), ("text", "x")]),
        (
            "<style><p></styles></STYLE\n>x",
            [("start", "<style>"), ("raw", "<p></styles>"), ("end", "</STYLE\n>"), ("text", "x")],
        ),
        ("<title><!--</title>x", [("start", "<title>"), ("raw", "<!--"), ("end", "</title>"), ("text", "x")]),
        ("<plaintext></plaintext>", [("start", "<plaintext>"), ("raw", "</plaintext>")]),
    ],
)
def test_tokens(html: str, expected: list[tuple[str, str]]) -> None:
    assert kinds(html) == expected


@pytest.mark.parametrize(
    ("html", "missing"),
    [
        ("<!--", "-->"),
        ("<!--a--", "-->"),
        ("<!a", ">"),
        ("</", ">"),
        ("<a", ">"),
        ("<a b", ">"),
        ("<a b=", ">"),
        ("<a b=c", ">"),
        ("<a b='c>", "'>"),
        ('<a b = "c>', '">'),
        ("<a b='c' d=\"", '">'),
        ("<style>a", "</style>"),
        ("<style>a</style", "</style>"),
        ("<style>a</style ", ">"),
        ("a<", ""),
        ("a", ""),
    ],
)
def test_what_completes_the_last_token(html: str, missing: str) -> None:
    assert list(tokens(html))[-1].missing == missing


def test_attributes() -> None:
    html = "<A Href=x HREF=y style='a:b;&#x63;&colon;d' checked x=\"1\">"
    assert attributes(html, next(tokens(html))) == {"href": "x", "style": "a:b;c:d", "checked": "", "x": "1"}


@given(st.text(alphabet="<>/!-?=\"' abst{}[CDATA&\n", max_size=60))
def test_tokens_cover_the_document(html: str) -> None:
    found = list(tokens(html))
    assert "".join(html[token.start : token.end] for token in found) == html
    assert all(token.kind in TokenKind for token in found)
    assert not any(token.missing for token in found[:-1])


# --- place ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "rest", "before"),
    [
        ("Hello", "", ""),
        ("<body>Hello</body></html>", "</body></html>", ""),
        ("<body>Hello</BODY >\n<!-- x -->\n</html>\n", "</BODY >\n<!-- x -->\n</html>\n", ""),
        ("<body>Hello</body>more", "", ""),
        ("<body>Hello</body><i>", "", "</i></i></i>"),
        ("<!-- </body> -->Hello", "", ""),
        ("<div><p>Hello</body>", "</body>", "</p></div>"),
        ("<table><tr><td>Hello", "", "</td></tr></table>"),
        ("<ul><li>a<li>b", "", "</li></ul>"),
        ("<p>a<br><img src=x>", "", "</p>"),
        ("<div title='", "", "'></div>"),
        ("<textarea>a", "", "</textarea>"),
        ("Hello<!-- ", "", "-->"),
        ("<form><div></form>", "", "</div>"),
    ],
)
def test_place(html: str, rest: str, before: str) -> None:
    found = plan(html)
    assert (html[found.offset :], found.before, found.prologue, found.hostile) == (rest, before, "", False)


def test_crossing_elements_are_closed_more_than_once() -> None:
    found = plan("<b><div></b>text")
    assert not found.hostile
    assert found.before.count("</div>") >= 2
    assert found.before.endswith("</b>")


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 600,
        "<script>1</script>",
        "<p onclick='x'>",
        "<svg><style></style></svg>",
        "<plaintext>",
        "<form><table></form>",
        "<meta http-equiv=Refresh content=0>",
        "<b><div></b>" * 3000,
    ],
)
def test_no_place_is_safe(html: str) -> None:
    found = plan(html)
    assert found.hostile
    assert found.reason and "\n" not in found.reason
    assert found.place is None


def test_data_in_a_script_is_no_script() -> None:
    assert not plan('<script type="application/ld+json">{"a": 1}</script>Hello').hostile


@given(st.text(alphabet="<>/!-?=\"' abdivtrpfom{}[]&\n", max_size=80))
def test_plan_never_fails(html: str) -> None:
    found = plan(html)
    assert 0 <= found.offset <= len(html)
    assert found.before.isascii()


# --- placeholders ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "safe"),
    [
        ("<p>{{relay_footer}}</p>", [True]),
        ("<p>{{ relay_footer }}</p>", [True]),
        ("<table><tr><td align=center width=600 style='padding:1px'>{{relay_footer}}</td></tr></table>", [True]),
        ("<p>{{relay_footer}}</p>{{relay_footer}}", [True, False]),
        ("<p title='{{relay_footer}}'>{{relay_footer}}</p>", [False, True]),
        ("<!-- {{relay_footer}} -->", [False]),
        ("<style>{{relay_footer}}</style>", [False]),
        ("<title>{{relay_footer}}</title>", [False]),
        ("<table>{{relay_footer}}</table>", [False]),
        ("<select><option>{{relay_footer}}", [False]),
        ("<a href=x>{{relay_footer}}</a>", [False]),
        ("<div hidden>{{relay_footer}}</div>", [False]),
        ("<div style='display:none'>{{relay_footer}}</div>", [False]),
        ("<div style='max-height:0;overflow:hidden'>{{relay_footer}}</div>", [False]),
        ("<style>.x{display:none}</style><div class=x>{{relay_footer}}</div>", [False]),
        ("<style>.x{display:none}</style><div class=y>{{relay_footer}}</div>", [True]),
        ("<style>@media print{td p{display:none}}</style><p>{{relay_footer}}</p>", [False]),
        ("<div style='position:absolute;top:0'>x</div><p>{{relay_footer}}</p>", [False]),
        ("<b><p></b>{{relay_footer}}</p>", [False]),
    ],
)
def test_placeholders(html: str, safe: list[bool]) -> None:
    found = plan(html)
    assert [one.safe for one in found.placeholders] == safe
    assert all("relay_footer" in html[one.start : one.end] for one in found.placeholders)
    assert (found.place is not None) == any(safe)


def test_offsets_count_the_placeholders_that_go() -> None:
    html = "<!DOCTYPE html><!--{{relay_footer}}--><body hidden>Hello<!--{{relay_footer}}--></body>"
    found = plan(html)
    assert html[found.offset :] == "</body>"
    assert html[: found.prologue_offset] == "<!DOCTYPE html>"


@pytest.mark.parametrize(
    ("html", "hostile"),
    [
        ("<a href=\"{{unsubscribe_url}}\" title='{{reason}}'>x</a> {{reason}}", False),
        ("<a href={{unsubscribe_url}}>x</a>", False),
        ("<a title={{reason}}>x</a>", True),
        ("<a {{reason}}>x</a>", True),
        ("<{{reason}}>x", True),
        ("</{{reason}}>x", True),
        ("<!-{{reason}}>x", True),
        ("<!--{{reason}}-->x", False),
        ("<x{{reason}}>x", True),
    ],
)
def test_slots_in_markup(html: str, hostile: bool) -> None:
    assert plan(html).hostile == hostile


# --- style sheets ------------------------------------------------------------------


@pytest.mark.parametrize(
    "css",
    [
        "body{display:none}",
        "BODY { DISPLAY : NONE !important }",
        "*{opacity:0}",
        ":root{visibility:hidden}",
        "html>body{height:0;overflow:hidden}",
        "p,body,a{transform:scale(0)}",
        ".x{filter:opacity(0)}",
        "#y{clip-path:circle(0)}",
        "@media screen{body{zoom:.1}}",
        "@layer a{@supports(a:b){html{content:none}}}",
        "html{body{display:none}}",
        "html{&{display:none}}",
        "p{& .x{display:none}}",
        "body{@media screen{display:none}}",
        "body{width:10px}",
        "body{/*x*/dis/**/play:none;opacity:0}",
        "p{content:'}'}body{display:none}",
        "a{background:url(it's)}body{display:none}b{content:'x'}",
        "a{content:'\rbody{display:none}",
        "b\\6fdy{color:red}",
        "@import 'https://elsewhere.test/a.css';",
        "[class]{display:none}",
        ":is(a,body){display:none}",
        ":not(a){display:none}",
        "body{animation:a 1s}",
        "body{all:unset}",
        "body{unknown:1}",
        "p::after{content:''}",
        "p:before{content:''}",
        "p{margin-top:-20px}",
        "p{margin:0 0 calc(1px)}",
        "body{display:none",
        "{{reason}}",
    ],
)
def test_sheets_that_need_the_prologue(css: str) -> None:
    assert plan(f"<body class='a X' id=y><style>{css}</style>").prologue


@pytest.mark.parametrize(
    "css",
    [
        "",
        "body{margin:0;padding:0 4px;width:100%!important;-webkit-text-size-adjust:100%;background:#fff url('a;b{c}')}",
        "*{box-sizing:border-box;font-family:Arial}",
        ".preheader{display:none!important;max-height:0}",
        "@media (max-width:600px){.c{display:block!important;width:100%!important}table[class=x]{width:10px}}",
        "div[style*='margin: 16px 0']{margin:0!important}",
        "a[x-apple-data-detectors]{all:unset}",
        "body.other{display:none}",
        "body{p{display:none}}",
        "@import url('https://fonts.googleapis.com/css?family=Lato');",
        "@font-face{font-family:x;src:url(x)}",
        "@keyframes a{from{opacity:0}}",
        "<!-- table{overflow:hidden} -->",
        "#outlook a{padding:0;display:none}",
        "body{color:red;/* } body{display:none} */}",
    ],
)
def test_ordinary_sheets_need_nothing(css: str) -> None:
    assert plan(f"<body class='a X' id=y><style>{css}</style>").prologue == ""


def test_prologue_follows_the_doctype_and_keeps_plain_styles() -> None:
    html = "<!-- x --><!DOCTYPE html>\n<html><body style='background-color:#eee;display:none'>Hello"
    found = plan(html)
    assert html[: found.prologue_offset] == "<!-- x --><!DOCTYPE html>"
    assert re.fullmatch(
        r"<html style=\"[^\"]*\"><head><style>[^<]*</style></head><body style=\"[^\"]*\">", found.prologue
    )
    assert '<body style="background-color:#eee;display:none;display:flow-root!important;' in found.prologue


def test_prologue_drops_what_could_swallow_it() -> None:
    found = plan("<body style='display:none;background:url(x'>Hello")
    assert "url(" not in found.prologue


def test_links_to_sheets() -> None:
    assert plan("<link rel='Stylesheet' href=https://elsewhere.test/a.css>").prologue
    assert not plan("<link rel=stylesheet href='https://fonts.googleapis.com/css?family=Lato'>").prologue
    assert not plan("<link rel=icon href=x>").prologue


def test_too_much_css_is_taken_as_unknown() -> None:
    sheets = Sheets()
    sheets.read("a{}" * 400_000)
    assert sheets.opaque


# --- guard -------------------------------------------------------------------------


def test_guard_styles_every_element() -> None:
    made = guard("<p class='x'>Hello <a href='https://relay.test/u'>out</a><br>{{reason}}</p>")
    tags = re.findall(r"<([a-z]+)([^>]*)>", made)
    assert [name for name, _ in tags] == ["div", "span", "p", "a", "br"]
    assert all(re.search(r'"all:(?:initial|unset)!important;', rest) for _, rest in tags)
    assert all("display:" in rest for name, rest in tags if name != "br")
    assert "{{reason}}" in made and "href='https://relay.test/u'" in made
    declarations = [d for style in re.findall(r'style="([^"]*)"', made) for d in style.split(";") if d]
    assert all(declaration.endswith("!important") for declaration in declarations)


def test_guard_keeps_the_footers_own_style_in_front() -> None:
    made = guard('<span style="font-style:italic">x</span>')
    assert made.count(" style=") == 3
    assert '<span style="font-style:italic;all:unset!important;' in made


def test_block_closes_then_guards() -> None:
    found = plan("<div><body hidden>")
    made = block(found, "x")
    assert made.startswith('</div><div id="relay-footer"')
    assert "position:absolute!important" in made
    assert "position:relative!important" in block(plan("<div>"), "x")


MOST_OCTETS = 3 * 1024
POLICY_FOOTER = (
    "{{reason}}<br>"
    '<a href="{{unsubscribe_url}}">Unsubscribe</a> &middot; <a href="{{preferences_url}}">Your preferences</a><br>'
    'Sent by Shop, <a href="mailto:news@shop.example">news@shop.example</a><br>1 Main Street, Tallinn'
)
VALUES = {
    "reason": "You receive this because you subscribed to newsletter of Shop on 2026-03-01 (form on shop.example).",
    "unsubscribe_url": "https://relay.example.com/u/" + "a" * 42,
    "preferences_url": "https://relay.example.com/p/" + "a" * 42,
}
PAGES = {
    "ordinary": "<!DOCTYPE html><html><head><title>x</title></head><body><p>Hello</p></body></html>",
    "everything suspicious": (
        "<!DOCTYPE html><html style='background:#fff'><style>*{display:none!important}a::before{content:'x'}</style>"
        "<body style='margin:0;padding:0;background-color:#eeeeee;width:100%' hidden>"
        "<div style='margin-bottom:-9px'><p>Hello"
    ),
    "a fragment": "Hello <b>you</b>",
    "fonts with long names": (
        "<!DOCTYPE html><html><style>*{display:none!important}</style><body hidden style='font-family:"
        "Bitstream Vera Sans Monospaced,Some Condensed Grotesk,Helvetica Neue LT'><div style='margin-bottom:-9px'>Hello"
    ),
}


@pytest.mark.parametrize("encoding", ["8bit", "quoted-printable"])
@pytest.mark.parametrize("name", PAGES)
def test_what_a_footer_costs(name: str, encoding: str) -> None:
    """Gmail cuts mail off at 102 KB, and thousands of copies are sent."""
    body = PAGES[name].encode().replace(b"=", b"=3D" if encoding == "quoted-printable" else b"=")
    head = (
        f"From: a@b.example\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    scanned = scan(head.encode() + body + b"\r\n", ScanLimits())
    template = compile_template(scanned, Additions("x {{unsubscribe_url}}", POLICY_FOOTER), values=[VALUES])
    assert not template.wrapped
    assert len(Renderer(template).render(VALUES).body) - len(body) <= MOST_OCTETS
