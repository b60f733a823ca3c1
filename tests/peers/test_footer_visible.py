"""The footer's link is on the screen, whatever the tenant's HTML does to hide it.

Each document is planned, given its footer and opened in Chromium; the link must
have a box within the scrollable area, be opaque, be what a click there meets,
and its pixels must show its colour on its paper. Where ``plan`` says that no
place is safe, the footer gets a part of its own: then that must be so for a
reason the case names.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from relay.mail.html import Insertion, block, guard, plan
from tests.support.browser import Browser, available
from tests.support.soup import nested, soup

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(not available(), reason="chromium and chromedriver are not installed"),
]

LINK = "https://relay.test/u/token"
FOOTER = f'You receive this because you subscribed. <a href="{LINK}">Unsubscribe here</a>'
OVERLAY = "position:fixed;top:0;left:0;width:100%;height:100%;background:#fff;z-index:2147483647"

# ruff: noqa: E501 - documents are easier to read on one line
SHOWN = {
    "plain": "<!DOCTYPE html><html><head><title>t</title></head><body><p>Hello</p></body></html>",
    "fragment": "Hello <b>you</b>",
    "empty": "",
    "open comment": "<p>Hello</p><!-- the rest",
    "open comment, abrupt": "<p>Hello</p><!--> <!---> shown <!-- hidden -- > <!- -",
    "open conditional comment": "<p>Hello</p><!--[if mso]><table><tr><td>",
    "bogus comment": "<p>Hello</p><! hidden",
    "processing instruction": "<p>Hello</p><?php echo 1",
    "CDATA in HTML": "<p>Hello</p><![CDATA[ <div hidden> ]]> x",
    "body end in a comment": "<p>Hello<!-- </body></html>",
    "open style": "<p>Hello</p><style>p{color:red}",
    "open style, half an end": "<p>Hello</p><style>p{color:red}</sty",
    "open style, end with a space": "<p>Hello</p><style>p{color:red}</style ",
    "open title": "<p>Hello</p><title>The",
    "open textarea": "<p>Hello</p><textarea>",
    "open xmp": "<p>Hello</p><xmp>",
    "open iframe": "<p>Hello</p><iframe src=about:blank>",
    "open noembed": "<p>Hello</p><noembed>",
    "open noframes": "<p>Hello</p><noframes>",
    "open noscript": "<p>Hello</p><noscript>",
    "open tag": "<p>Hello</p><div style=display:none",
    "open tag name": "<p>Hello</p><script-like",
    "open attribute, double quote": '<p>Hello</p><div style="display:none',
    "open attribute, single quote": "<p>Hello</p><div title='a>b",
    "open end tag": "<p>Hello</p><div hidden></div",
    "just a less-than": "<p>Hello</p><",
    "just an end tag's beginning": "<p>Hello</p></",
    "quotes in odd places": '<p>Hello</p><a "x>y</a><div title= ">" hidden>',
    "open table": "<table><tr><td style='display:none'><table><tr>",
    "open select": "<select><option>a",
    "open svg": "<svg width=0 height=0><g display=none>",
    "open svg with HTML": "<svg width=1 height=1><foreignObject width=1 height=1><div hidden>",
    "open math": "<math><mi hidden>",
    "open template": "<template><p>Hello",
    "open object": "<object data=about:blank><p>",
    "open audio": "<audio><video><canvas>",
    "open details": "<details><summary>More</summary><p>",
    "open dialog": "<dialog><p>Hello",
    "open button": "<button hidden><p>Hello",
    "open fieldset": "<form hidden><fieldset disabled><legend>x",
    "open marquee": "<marquee width=1 height=1><b hidden>",
    "open ruby": "<ruby>a<rp>(",
    "hidden wrapper": "<div hidden><div><p>Hello",
    "display none wrapper": "<div style='display:none'><b><i>Hello",
    "zero-size wrapper": "<div style='width:0;height:0;overflow:hidden'>Hello",
    "inert wrapper": "<div inert>Hello",
    "popover wrapper": "<div popover>Hello",
    "formatting left open": "<p><font size=1 color=white><b hidden><i style='display:none'>Hello</p>",
    "formatting crosses": "<b hidden><div><p><i style='opacity:0'></b></div>Hello",
    "anchor left open": "<a href='https://elsewhere.test/' style='display:none'>",
    "adoption limit": "<b hidden>" + "<div>" * 12 + "</b>Hello",
    "misnested table": "<div hidden><table></div><tr><td></table></div></td>",
    "second form": "<form hidden><div><form></form>",
    "early body end": "<p>Hello</body></html><div style='display:none'>more",
    "two body ends": "<body>one</body></html><body>two</body></html>",
    "overlay after the body end": f"<p>Hello</p></body></html><div style='{OVERLAY}'></div>",
    "display none body": "<body style='display:none'>Hello</body>",
    "display none body, second tag": "Hello<body style='display:none'>more</body>",
    "display none body, important": "<body style='display:none!important'>Hello</body>",
    "display none by escape": "<body style='d\\69splay:none'>Hello</body>",
    "display none by reference": "<body style='displa&#121;:none'>Hello</body>",
    "hidden body": "<html hidden><body hidden=until-found>Hello</body>",
    "everything hidden": "<style>* {display:none!important}</style>Hello",
    "everything hidden, in a layer": "<style>@layer a{html,body,* {display:none!important;opacity:0!important}}</style>Hello",
    "everything invisible": "<style>html{visibility:hidden}*{visibility:hidden!important;opacity:0!important}</style>Hello",
    "hidden in a media query": "<style>@media all{@supports(display:block){body{display:none!important}}}</style>Hello",
    "hidden by nesting": "<style>html{&:has(*){body{display:none}}}</style>Hello",
    "hidden by class": "<style>.x{opacity:0}#y{transform:scale(0)}</style><html id=y><body class='a x'>Hello",
    "hidden by attribute selector": "<style>[lang]{display:none!important}</style><html lang=en>Hello",
    "hidden by is()": "<style>:is(a,body){filter:opacity(0)}</style>Hello",
    "hidden after an apostrophe in a URL": "<style>a{background:url(it's)}body{display:none}b{content:'x'}</style>Hello",
    "hidden in an unclosed rule": "<style>body{opacity:0",
    "hidden by starting style": "<style>*{transition:opacity 9999s!important}@starting-style{*{opacity:0}}</style>Hello",
    "animated away": "<style>@keyframes k{to,from{opacity:0}}body,div,a{animation:k 1s infinite!important}</style>Hello",
    "white on white": "<style>*{color:#fff!important;background:#fff!important}</style><body text=white link=white>Hello",
    "text fill": "<style>*{-webkit-text-fill-color:transparent!important;background:url(data:,)!important}</style>Hello",
    "tiny font": "<style>*{font-size:1px!important;line-height:0!important}</style><body style='font-size:0'>Hello",
    "blank font": "<style>@font-face{font-family:Arial;src:local(x)}*{font-family:none!important}</style>Hello",
    "negative text-indent": "<style>*{text-indent:-9999px!important}</style>Hello",
    "off the screen": "<style>body,div{position:absolute!important;left:-9999px!important;top:-9999px!important}</style>Hello",
    "pulled up": "<div style='margin-bottom:-9999px'>Hello</div>",
    "pulled up by rule": "<style>p{margin:0 0 -9999px}</style><p>Hello</p>",
    "body pulled up": "<body style='margin-top:-9999px'>Hello</body>",
    "pulled up by calc": "<div style='margin-bottom:calc(0px - 9999px)'>Hello</div>",
    "clipped html": "<html style='overflow:hidden;height:0'><body style='overflow:hidden;height:0;max-height:0'>Hello",
    "column reverse": "<body style='display:flex;flex-direction:column-reverse;height:10px'>Hello<div>x</div><div>y</div>",
    "scaled to nothing": "<style>body{transform:scale(0)}div,a{scale:0!important;zoom:0.01!important}</style>Hello",
    "clip-path": "<style>html{clip-path:circle(0)}*{clip-path:inset(50%)!important;mask:linear-gradient(#0000,#0000)!important}</style>Hello",
    "no pointer": "<style>html{pointer-events:none}a{pointer-events:none!important}</style>Hello",
    "content visibility": "<style>body{content-visibility:hidden}*{contain:strict!important}</style>Hello",
    "body replaced": "<style>body{content:url(data:image/gif;base64,R0lGODlhAQABAAAAACw=)}</style>Hello",
    "overlay": f"<div style='{OVERLAY}'></div>Hello",
    "overlay without pointer": f"<div style='{OVERLAY};pointer-events:none'></div>Hello",
    "overlay left open": f"<div style='{OVERLAY}'>Hello",
    "overlay by pseudo-element": "<style>html::after{content:'';"
    + OVERLAY
    + "}body:after{content:'';"
    + OVERLAY
    + "}</style>Hello",
    "link covered by its pseudo-element": "<style>a{position:relative!important}a::before{content:'';"
    + OVERLAY
    + "!important}</style>Hello",
    "pseudo-element by nesting": "<style>a{&::after{content:'';" + OVERLAY + "}}</style>Hello",
    "first line": "<style>div::first-line,p::first-line{color:#fff!important;font-size:0!important}</style>Hello",
    "outline": "<body style='outline:9999px solid #fff;outline-offset:-9999px'>Hello",
    "base": "<base href='https://elsewhere.test/' target=_blank>Hello",
    "frameset": "<html><frameset cols='100%'><frame src=about:blank></frameset></html>",
    "frameset left open": "<frameset cols='*,*'><frame><noframes>",
    "vertical": "<html style='writing-mode:vertical-rl'><body style='direction:rtl;height:100%'>Hello",
    "narrow": "<body style='width:1px;max-width:1px'>Hello",
    "columns": "<body style='columns:40;height:1px'>Hello",
    "imported sheet": "<style>@import 'data:text/css,*{display:none!important}';</style>Hello",
    "linked sheet": "<link rel=stylesheet href='data:text/css,*{display:none!important}'>Hello",
    "dark": "<meta name=color-scheme content=dark><style>:root{color-scheme:dark}</style>Hello",
    "placeholder in a tag": "<p title={{relay_footer}}>Hello</p>",
    "placeholder that splits a tag": "<{{relay_footer}}div hidden>Hello",
    "placeholder that splits a name": "<d{{relay_footer}}iv hidden>Hello",
    "placeholder that splits a comment's end": "<!-- --{{relay_footer}}><div hidden> -->Hello",
    "placeholder that splits an end tag": "<style></sty{{relay_footer}}le><div hidden></style>Hello",
    "placeholder in a hidden element": "<div style='display:none'>{{relay_footer}}</div>Hello",
    "placeholder hidden by class": "<style>.x{height:0;overflow:hidden}</style><p class=x>{{relay_footer}}</p>Hello",
    "placeholder under an overlay": f"{{{{relay_footer}}}}<div style='{OVERLAY}'></div>",
    "placeholder in the head": "<head><title>{{relay_footer}}</title></head>Hello",
    "placeholder in a link": "<a href='https://elsewhere.test/'>{{relay_footer}}</a>",
    "ordinary newsletter": (
        "<!DOCTYPE html><html><head><style>@media(max-width:600px){.c{width:100%!important;display:block!important}}"
        ".pre{display:none;font-size:1px}</style></head><body style='margin:0;padding:0;width:100%!important' bgcolor='#eee'>"
        "<div class=pre style='display:none'>Preview</div><table width=100%><tr><td class=c>Hello</td></tr></table></body></html>"
    ),
}

APART = {
    "script": ("<script>document.body.innerHTML=''</script>Hello", "script"),
    "script left open": ("Hello<script>/*", "script"),
    "event handler": ("<body onload='document.body.innerHTML=\"\"'>Hello", "onload"),
    "event handler elsewhere": ("<img src=x onerror='document.body.innerHTML=\"\"'>", "onerror"),
    "iframe with script": ("<iframe srcdoc='<script>parent.document.body.innerHTML=\"\"</script>'></iframe>", "srcdoc"),
    "object with script": ("<object data='java&#115;cript:1'></object>", "data"),
    "meta refresh": ("<meta http-equiv=refresh content='0;url=about:blank'>Hello", "refresh"),
    "plaintext": ("Hello<plaintext>", "plaintext"),
    "inert body": ("<body inert>Hello", "inert"),
    "policy against styles": (
        "<meta http-equiv=Content-Security-Policy content=\"style-src 'none'\">Hello",
        "security",
    ),
    "noscript cut two ways": ("<noscript><!--</noscript><div hidden>--></noscript>Hello", "noscript"),
    "style in svg": ("<svg><style><!--</style></svg><div hidden>-->", "style"),
    "style in select": ("<select><style><!--</style></select><div hidden>-->", "style"),
    "CDATA in svg": ("<svg><![CDATA[></svg><div hidden>]]>", "CDATA"),
    "slot for a tag's name": ("<{{unsubscribe_url}} hidden>Hello", "name"),
    "slot in a tag's name": ("<x{{reason}} hidden>Hello", "tag"),
    "slot outside of quotes": ("<a title={{reason}}='x><!-- >y'>Hello", "quotes"),
    "slot in the body tag": ("<body class='{{reason}}'>Hello", "body"),
    "too deep": ("<div>" * 600, "480"),
}

_CHAIN = "a < span < div < body < html"
_LOOK = """
const links = [...document.querySelectorAll('a')].filter(a => a.getAttribute('href') === arguments[0]);
if (links.length !== 1) return {fault: links.length + ' links'};
const link = links[0];
link.id = 'relay-test-link';
link.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});
const box = link.getBoundingClientRect();
const root = document.scrollingElement;
const left = box.left + scrollX, top = box.top + scrollY;
const hit = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
let opacity = 1, chain = [];
for (let e = link; e; e = e.parentElement) {
    opacity *= Number(getComputedStyle(e).opacity);
    chain.push(e.localName);
}
const style = getComputedStyle(link);
return {
    width: box.width, height: box.height, inside: left >= 0 && top >= 0 && left < Math.max(root.scrollWidth, innerWidth)
        && top < Math.max(root.scrollHeight, innerHeight),
    hit: hit === link, hitName: hit && hit.outerHTML.slice(0, 80), visibility: style.visibility, opacity: opacity,
    size: parseFloat(style.fontSize), color: style.color, chain: chain.join(' < '), href: link.href,
    visible: link.checkVisibility({opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true}),
};
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as started:
        yield started


def finished(html: str, found: Insertion) -> bytes:
    """The document as it is sent."""
    place = found.place
    changes = [(one.start, one.end, guard(FOOTER) if one == place else "") for one in found.placeholders]
    if place is None:
        changes.append((found.offset, found.offset, block(found, FOOTER)))
        changes.append((found.prologue_offset, found.prologue_offset, found.prologue))
    for start, end, text in sorted(changes, reverse=True):
        html = html[:start] + text + html[end:]
    return html.encode("latin-1")


def assert_shown(browser: Browser, document: bytes) -> None:
    browser.show(document)
    seen = browser.script(_LOOK, LINK)
    assert "fault" not in seen, seen
    assert seen["width"] > 60 and seen["height"] > 10 and seen["inside"], seen
    assert seen["hit"] and seen["visible"] and seen["visibility"] == "visible" and seen["opacity"] == 1, seen
    assert seen["size"] >= 12 and seen["color"] == "rgb(11, 87, 208)" and seen["href"] == LINK, seen
    assert seen["chain"] == _CHAIN, seen
    pixels = browser.pixels("#relay-test-link")
    ink = sum(abs(r - 11) + abs(g - 87) + abs(b - 208) < 60 for r, g, b in pixels)
    paper = sum(min(r, g, b) > 240 for r, g, b in pixels)
    assert ink > 60 and paper > 60, (ink, paper, len(pixels))


@pytest.mark.parametrize("name", SHOWN)
def test_link_is_shown(browser: Browser, name: str) -> None:
    html = SHOWN[name]
    found = plan(html)
    assert not found.hostile, found.reason
    assert_shown(browser, finished(html, found))


@pytest.mark.parametrize("name", APART)
def test_footer_gets_a_part_of_its_own(browser: Browser, name: str) -> None:
    html, reason = APART[name]
    found = plan(html)
    assert found.hostile and reason in found.reason, found.reason
    assert_shown(browser, guard(FOOTER).encode())


def test_placeholder_takes_the_footer(browser: Browser) -> None:
    html = "<body><table><tr><td style='padding:4px'>Hello{{relay_footer}}</td></tr></table><p>more</p></body>"
    found = plan(html)
    assert found.place is not None
    browser.show(finished(html, found))
    assert browser.script("return document.querySelector('td > #relay-footer a').getAttribute('href')") == LINK
    assert browser.script("return document.querySelectorAll('#relay-footer').length") == 1


_PARENTS = """
return arguments[0].map(html => {
    const parsed = new DOMParser().parseFromString(html, 'text/html');
    const links = [...parsed.querySelectorAll('a')].filter(a => a.getAttribute('href') === arguments[1]);
    if (links.length !== 1) return links.length + ' links';
    const chain = [];
    for (let e = links[0]; e; e = e.parentElement) chain.push(e.localName);
    return chain.join(' < ');
});
"""


def test_tag_soup_leaves_nothing_around_the_footer(browser: Browser) -> None:
    browser.show(b"")
    sources = [make(random.Random(number)) for make in (soup, nested) for number in range(3000)]
    plans = [(html, found) for html in sources if not (found := plan(html)).hostile and not found.place]
    assert len(plans) > 4000
    chains = browser.script(_PARENTS, [finished(html, found).decode("latin-1") for html, found in plans], LINK)
    wrong = [(html, chain) for (html, _), chain in zip(plans, chains, strict=True) if chain != _CHAIN]
    assert not wrong, wrong[:3]
