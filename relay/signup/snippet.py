"""A form as HTML to paste into a page of the tenant's own.

It works by itself: no script, no style sheet. It says the wording it was made
with; once the wording is changed, the relay shows the form anew instead of
taking what was agreed to in old words.
"""

from __future__ import annotations

from html import escape

from relay.keys.secrets import Secrets
from relay.signup import tokens
from relay.signup.forms import Form
from relay.texts.language import choose

TRAP = "remark"
"""Name of the field that no person sees and programs fill in."""
TRAP_STYLE = "position:absolute;left:-9999px"


def snippet(secrets: Secrets, form: Form, base_url: str, tenant: str) -> str:
    """The HTML of the whole form; ``tenant`` is its name as people know it."""
    language = choose(form.language)
    say = language.plain
    stamp = tokens.stamp(secrets, tokens.Stamp(form.id, form.wording_id, 0.0))
    lines = [
        f'<form method="post" action="{escape(base_url)}/s/{form.key}" lang="{language.code}">',
        f"  <p><label>{escape(say('form.email'))}<br>",
        '    <input type="email" name="email" autocomplete="email" maxlength="254" required></label></p>',
        f"  <fieldset><legend>{escape(say('form.topics'))}</legend>",
        *(
            f'    <label><input type="checkbox" name="topic" value="{topic.id}"> {escape(topic.shown)}</label><br>'
            for topic in form.topics
        ),
        "  </fieldset>",
    ]
    if form.ask_age:
        lines += [
            f"  <fieldset><legend>{escape(say('form.age'))}</legend>",
            f'    <label><input type="radio" name="age" value="yes" required> {escape(say("form.yes"))}</label>',
            f'    <label><input type="radio" name="age" value="no"> {escape(say("form.no"))}</label>',
            "  </fieldset>",
        ]
    wording = escape(form.wording).replace("\n", "<br>")
    lines.append(f"  <p>{wording}</p>")
    if form.ask_tracking:
        words = escape(say("track.wording", tenant=tenant))
        lines.append(f'  <p><label><input type="checkbox" name="tracking" value="yes"> {words}</label></p>')
    lines += [
        f'  <p style="{TRAP_STYLE}" aria-hidden="true"><label>{escape(say("form.trap"))}',
        f'    <input name="{TRAP}" tabindex="-1" autocomplete="off"></label></p>',
        f'  <input type="hidden" name="stamp" value="{stamp}">',
        f"  <button>{escape(say('form.button'))}</button>",
        "</form>",
    ]
    return "\n".join(lines)


def frame(form: Form, base_url: str) -> str:
    """The HTML that shows the relay's own page of the form in a frame; empty where none may."""
    if not form.frames:
        return ""
    title = escape(form.title or form.name)
    return f'<iframe src="{escape(base_url)}/s/{form.key}" title="{title}" width="100%" height="760"></iframe>'
