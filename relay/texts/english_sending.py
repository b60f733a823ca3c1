"""English texts of the account's pages for sending: mailings, templates, plan; ``english_account`` has the others."""

# ruff: noqa: RUF001 - typographic apostrophes are meant here
from __future__ import annotations

from typing import Final

SENDING: Final[dict[str, str]] = {
    "nav.send": "Send",
    "send.new": "Write a mailing",
    "send.edit": "Edit",
    "send.copy": "Copy",
    "send.remove": "Delete",
    "send.save": "Save, and see who gets it",
    "send.back": "Back without saving",
    "send.none": "Nothing was written yet.",
    "send.name": "Name",
    "send.name_note": "For your own lists and figures; readers don’t see it. Empty: the subject.",
    "send.state": "State",
    "send.topic": "Topic",
    "send.reached": "Handed in",
    "send.of": "{count} of {of}",
    "send.changed": "When",
    "send.no_domain": "Prove a domain first: mail is sent from your own domains alone.",
    "send.no_topic": "There is no topic yet that people could agree to.",
    "send.from_template": "Begin with a template",
    "send.take": "Take it",
    "send.who": "Who gets it",
    "send.groups": "Groups",
    "send.groups_note": (
        "None chosen: everybody who agreed to the topic. Some chosen: who is in any of them, and agreed."
    ),
    "send.track": "Openings and clicks",
    "send.track.stream": "as the stream has it",
    "send.track.none": "none",
    "send.track.opens": "openings",
    "send.track.clicks": "clicks",
    "send.track.all": "both",
    "send.track_note": "Only of people who agreed to that.",
    "send.sender": "Sender",
    "send.author_name": "Sender’s name",
    "send.author": "Sender’s address",
    "send.author_note": "At one of your proved domains: {domains}",
    "send.reply_to": "Replies go to",
    "send.content": "Content",
    "send.subject": "Subject",
    "send.format": "Written in",
    "send.format.text": "plain text",
    "send.source": "Text of the mailing",
    "send.source_note": "Variables stand for what you keep of each person; without a value they are empty.",
    "send.file": "Or choose a file",
    "send.file_note": "HTML, MJML, Markdown or text in UTF-8; it takes the place of the text above.",
    "send.own_text": "A plain text of your own",
    "send.written": "Plain text",
    "send.written_note": "For programs that show no HTML. Empty: it is made from the HTML.",
    "send.about": "What it is",
    "send.made_by": "Written by",
    "send.reach": "Who would get it now",
    "send.would_get": "Would get it",
    "send.agreed": "Agreed to the topic",
    "send.not_reached": "Who doesn’t, and why",
    "send.left": "Withdrew their consent",
    "send.plan_unlimited": "The plan {plan} has no limit of messages.",
    "send.plan_left": "Of the plan {plan} {left} messages are left until {date}.",
    "send.beyond": (
        "{count} more than the plan has left. The mailing waits there until the plan is renewed or another is taken."
    ),
    "send.frozen": "Your account is frozen: nothing would be taken now.",
    "send.preview": "Preview",
    "send.preview_note": (
        "As the first of these people would see it, with the footer. Pictures aren’t loaded, and links lead "
        "nowhere here."
    ),
    "send.preview_nobody": "Nobody has agreed to this topic yet: what the footer says of a consent is an example.",
    "send.look.light": "Light",
    "send.look.dark": "Dark",
    "send.look.text": "As text",
    "send.phone": "Phone",
    "send.desktop": "Desktop",
    "send.start": "Send",
    "send.start_note": (
        "Each person is asked for at that moment: who left meanwhile gets nothing. New lists and senders go "
        "out in stages."
    ),
    "send.now": "Now",
    "send.later": "At a time",
    "send.at": "Day and hour",
    "send.utc": "In UTC; only where a time is chosen.",
    "send.last": "Last hour",
    "send.last_note": "What hasn’t left by then is dropped and given back to the plan (UTC). Empty: none.",
    "send.start_button": "Send to {count} people",
    "send.progress": "How far it is",
    "send.begins": "It begins on {at}.",
    "send.worked_off": "{count} of {of} people were asked for.",
    "send.accepted": "Taken",
    "send.refused": "Refused",
    "send.again": "Asked for again",
    "send.waits": "It waits until {at}:",
    "send.campaign": "Figures, links and held copies",
    "send.staged": "The rest waits for the verdict on the first part.",
    "send.refreshes": "This page loads itself anew every few seconds.",
    "send.stop": "Stop",
    "send.stop_note": (
        "After a stop nobody more is asked for; copies that were taken already are on the campaign’s page, "
        "where they can be held."
    ),
    "send.resume": "Go on",
    "mailing_state.draft": "draft",
    "mailing_state.planned": "planned",
    "mailing_state.sending": "being sent",
    "mailing_state.stopped": "stopped",
    "mailing_state.done": "done",
    "refusal.address": "Address can’t take mail",
    "nav.templates": "Templates",
    "nav.plan": "Plan and use",
    "send.test": "A test to yourself",
    "send.test_note": (
        "What the first of these people would get goes to {address}, marked as a test. It isn’t counted, and "
        "its links to leave open nobody’s page."
    ),
    "send.test_button": "Send the test",
    "send.test_unconfirmed": "Confirm first that {address} is yours:",
    "send.tested": "The test is on its way to {address}.",
    "activity.tested": "Test sent",
    "activity.confirm-asked": "Letter to confirm the address asked for",
    "activity.confirmed": "Address confirmed",
    "own_address.lead": (
        "That this address is yours isn’t confirmed yet: tests of mailings go only to a confirmed one."
    ),
    "own_address.button": "Send the letter to confirm",
    "own_address.over.title": "This link doesn’t work",
    "own_address.over.lead": (
        "It is too old, isn’t the latest, or belongs to another log-in. Ask for a new letter under “Your log-in”."
    ),
    "own_address.mail.subject": "Confirm your address",
    "own_address.mail.please": (
        "You log in as {login}. To confirm that this address is yours, open this page where you are signed in:"
    ),
    "own_address.mail.not_you": (
        "If that wasn’t you, there is nothing to do: nothing is confirmed without your log-in."
    ),
    "templates.new": "Write a template",
    "templates.none": "There is no template yet.",
    "templates.version": "Version",
    "templates.versions": "Versions",
    "templates.edit": "Write a new version",
    "templates.save": "Save as a new version",
    "templates.source": "Text of the template",
    "templates.name_note": "Small letters, digits, dot, - and _. Programs name it so.",
    "templates.preview_note": (
        "Variables stand in brackets. The footer is added when it is sent; a test of that can be sent from a mailing."
    ),
    "templates.use": "Write a mailing with it",
    "templates.remove": "Delete with all versions",
    "plan.offered": "Plans there are",
    "plan.name": "Plan",
    "plan.messages": "Messages",
    "plan.subscribers": "Different people",
    "plan.days": "Days",
    "plan.month": "calendar month",
    "plan.unlimited": "unlimited",
    "plan.yours": "yours",
    "plan.change": "To change it, write to the operator.",
    "plan.periods": "What was used",
    "plan.begins": "Period from",
}
