"""A tenant's own mail as its readers will see it: the looks stay, nothing loads, runs or leads anywhere."""

from __future__ import annotations

import pytest

from relay.exemplars import as_read

GONE = (
    "<script>alert(1)</script>",
    "<link rel=stylesheet href='https://evil.example/a.css'>",
    "<link rel=preconnect href='https://evil.example'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<base href='https://evil.example/'>",
    "<iframe src='https://evil.example/'></iframe>",
    "<iframe srcdoc='<img src=https://evil.example/>'></iframe>",
    "<object data='https://evil.example/x'></object>",
    "<embed src='https://evil.example/x'>",
    "<svg><image href='https://evil.example/x'/></svg>",
    "<video poster='https://evil.example/x'></video>",
    "<p background='https://evil.example/x' onclick='evil.example()'>a</p>",
    "<p style='background:url(https://evil.example/x)'>a</p>",
    "<style>@import 'https://evil.example/a.css';</style>",
    "<style>@import url(https://evil.example/a.css);</style>",
    "<style>p{background:url(https://evil.example/x)}</style>",
    "<style>p{background:URL( 'https://evil.example/x' )}</style>",
    "<style>p{background:u\\72l(https:evil.example/x)}</style><script src=//evil.example></script>",
    "<style></style><script>evil.example</script></style>",
    "<style>a</styl</style><img src=https://evil.example/x onerror=alert(1)>",
    "<a href='https://evil.example/'>go</a>",
    "<a href='javascript:evil.example'>go</a>",
    "<img src='https://evil.example/p.gif' srcset='https://evil.example/q.gif 2x'>",
    "<img class='\"><script>evil.example</script>' src=x>",
    "<p class='\"><script>evil.example</script>'>a</p>",
    "<template><img src=https://evil.example></template>",
    "<noscript><img src=https://evil.example/></noscript>",
)


@pytest.mark.parametrize("markup", GONE)
def test_nothing_loads_runs_or_leads_anywhere(markup: str) -> None:
    page = as_read.page_of(f"<p>before</p>{markup}<p>after</p>")
    told = page.lower()
    assert "before" in page and "default-src 'none'" in page
    for harm in ("<script", "<img", "<link", "<iframe", "<object", "<embed", "<base", "onclick", "onerror", "@import"):
        assert harm not in told, harm
    assert "url(" not in told and "url (" not in told


KEPT = (
    ("<p style='color:#123;padding:12px!important'>a</p>", "color:#123; padding:12px!important"),
    ("<table width='600' bgcolor='#ffffff'><tr><td align=center>a</td></tr></table>", 'width="600"'),
    ("<style>.a{color:red}</style><p class='a b' id=c>a</p>", ".a{color:red}"),
    ("<p class='a b' id=c>a</p>", 'class="a b" id="c"'),
    ("<a href='https://acme.example' class=button>go</a>", '<a href="#" class="button">go</a>'),
    ("<a name=top>go</a>", "<span>go</span>"),
    ("<img src=x alt='Our shop' width=240 height=90>", "width:240px;height:90px"),
    ("<img src=x alt='Our shop' width='100%'>", "width:100%"),
    ("<img src=x alt='<b>'>", "&lt;b&gt;"),
    ("<div hidden>a</div>", "<div hidden>"),
)


@pytest.mark.parametrize(("markup", "shown"), KEPT)
def test_looks_stay(markup: str, shown: str) -> None:
    assert shown in as_read.page_of(markup)


@pytest.mark.parametrize(
    ("css", "light", "dark"),
    [
        ("@media (prefers-color-scheme:dark){a{}}", "(max-width:0)", "(min-width:0)"),
        ("@media (prefers-color-scheme: light){a{}}", "(min-width:0)", "(max-width:0)"),
        ("@media (Prefers-Color-Scheme : DARK){a{}}", "(max-width:0)", "(min-width:0)"),
        ("@media (max-width:480px){a{}}", "(max-width:480px)", "(max-width:480px)"),
    ],
)
def test_light_and_dark_are_what_is_asked_for(css: str, light: str, dark: str) -> None:
    markup = f"<style>{css}</style><p>a</p>"
    assert f"@media {light}" in as_read.page_of(markup)
    page = as_read.page_of(markup, dark=True)
    assert f"@media {dark}" in page and "color-scheme:dark" in page


def test_words_alone_stay_words() -> None:
    assert "&lt;script&gt;" in as_read.notice("<script>") and "<script" not in as_read.notice("<script>")
