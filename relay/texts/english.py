"""The English texts, which the catalogues translate.

``{name}`` is filled in (and escaped in markup) by ``Language``; ``<bdi>`` keeps
a name of either writing direction from turning the sentence around it.
"""

# ruff: noqa: RUF001 - typographic apostrophes are meant here
from __future__ import annotations

from typing import Final

from relay.texts.english_account import ACCOUNT
from relay.texts.english_announce import ANNOUNCE
from relay.texts.english_desk import DESK
from relay.texts.english_lists import LISTS
from relay.texts.english_reasons import REASONS
from relay.texts.english_register import REGISTER
from relay.texts.english_sending import SENDING
from relay.texts.english_sign_in import SIGN_IN
from relay.texts.english_support import SUPPORT
from relay.texts.english_why import WHY

ENGLISH: Final[dict[str, str]] = {
    **ACCOUNT,
    **SIGN_IN,
    **LISTS,
    **DESK,
    **REASONS,
    **REGISTER,
    **SUPPORT,
    **ANNOUNCE,
    **SENDING,
    "verdict.stopped.subject": "Your campaign {number} was stopped: {campaign}",
    "verdict.stopped.lead": "Your campaign “{campaign}” (number {number}) was stopped, and its remaining copies are "
    "held. What its first part shows: {why}",
    "verdict.stopped.next": "The operator looks at it and decides. Please send nothing else to this list until you "
    "know what went wrong with it.",
    "verdict.undecided.subject": "Your campaign {number} is being looked at: {campaign}",
    "verdict.undecided.lead": "The first part of your campaign “{campaign}” (number {number}) has left, the rest is "
    "held. What it shows: {why}",
    "verdict.undecided.next": "The figures alone can’t tell whether the rest may go, so the operator decides. You need "
    "to do nothing.",
    "verdict.declined.subject": "Your campaign {number} was declined: {campaign}",
    "verdict.declined.lead": "The operator has declined your campaign “{campaign}” (number {number}). The reason: "
    "{why}",
    "verdict.declined.next": "Its held copies were dropped and given back to your quota. More of the same content is "
    "refused.",
    "all.button": "Stop everything from <bdi>{tenant}</bdi>",
    "all.title": "Stop everything from <bdi>{tenant}</bdi>?",
    "all.lead": "<bdi>{tenant}</bdi> will send no more mailings to <bdi>{address}</bdi>, whatever the topic.",
    "ask.button": "Unsubscribe",
    "ask.title": "Unsubscribe from “<bdi>{topic}</bdi>”?",
    "ask.lead": "<bdi>{tenant}</bdi> sends mail on “<bdi>{topic}</bdi>” to <bdi>{address}</bdi>. "
    "Press the button to stop it.",
    "ask.note": "Nothing has changed yet.",
    "ask.preferences": "Choose topics instead",
    "already.title": "You are already unsubscribed",
    "already.topic": "Since {date}, <bdi>{tenant}</bdi> may not send mail on “<bdi>{topic}</bdi>” to "
    "<bdi>{address}</bdi>.",
    "already.all": "Since {date}, <bdi>{tenant}</bdi> may not send any mailing to <bdi>{address}</bdi>.",
    "done.title": "You are unsubscribed",
    "done.topic": "<bdi>{tenant}</bdi> will send no more mail on “<bdi>{topic}</bdi>” to <bdi>{address}</bdi>.",
    "done.all": "<bdi>{tenant}</bdi> will send no more mailings to <bdi>{address}</bdi>.",
    "done.note": "This holds from now on, also for mail that was already waiting to be sent.",
    "done.more": "Anything else from <bdi>{tenant}</bdi>?",
    "done.preferences": "See all topics",
    "mistake": "Changed your mind? For your safety this page can’t subscribe you again. "
    "Only you can, with <bdi>{tenant}</bdi>’s own form.",
    "prefs.title": "What you receive from <bdi>{tenant}</bdi>",
    "prefs.lead": "For <bdi>{address}</bdi>. Untick what you no longer want, then save.",
    "prefs.none": "<bdi>{address}</bdi> is subscribed to no topic of <bdi>{tenant}</bdi>.",
    "prefs.legend": "Topics you receive",
    "prefs.since": "since {date}",
    "prefs.save": "Save",
    "prefs.ended": "Unsubscribed",
    "prefs.ended_on": "ended {date}",
    "prefs.saved": "Saved. You stay subscribed to what is ticked.",
    "prefs.saved_none": "Saved. You are unsubscribed from all topics.",
    "prefs.unchanged": "Nothing was unticked, so nothing has changed.",
    "prefs.all_note": "One press stops all topics, now and in future.",
    "report.title": "Report mail from <bdi>{tenant}</bdi> as spam?",
    "report.lead": "The operator of this mail service is told, and <bdi>{tenant}</bdi> can send nothing more to "
    "<bdi>{address}</bdi>, not even notices about orders or accounts.",
    "report.button": "Report as spam",
    "report.unsubscribe": "Only unsubscribe",
    "report.shared": "This message went to several people at once, so the link doesn’t say who you are. Enter "
    "the address that it came to, and you get a letter there with a link of your own. Once you press that, the operator"
    " of this mail service is told, and <bdi>{tenant}</bdi> can send nothing more to that address, not even notices "
    "about orders or accounts.",
    "report.limit.title": "Not reported yet",
    "report.limit.lead": "Too many reports came from your network or on this message. Nothing was changed. Please "
    "try again in an hour.",
    "report.late.title": "This message is no longer known here",
    "report.late.lead": "It is too old to be reported. Use the link in a newer message, or write to whoever sent it.",
    "reported.title": "Thank you, it is reported",
    "reported.lead": "<bdi>{tenant}</bdi> will send nothing more to <bdi>{address}</bdi>.",
    "reported.shared.title": "Thank you",
    "reported.shared.lead": "If the message went to <bdi>{address}</bdi>, a letter with a link of your own is on its "
    "way there. Once you press that, <bdi>{tenant}</bdi> can send nothing more to that address.",
    "reported.shared.note": "Whether it did isn’t shown, so that nobody learns here who else got the message. If no"
    " letter comes, check the address for typing mistakes.",
    "sender": "Sender",
    "private": "This link is yours alone: it works without a password. Don’t pass it on.",
    "bad_link.title": "This link doesn’t work",
    "bad_link.lead": "It is damaged or incomplete, so nothing was changed.",
    "bad_link.detail": "Open the link again straight from the message; if your mail program broke it over two lines, "
    "copy all of it. You can also use your mail program’s own “Unsubscribe”, or reply to the sender.",
    "link_stopped.title": "This link was stopped",
    "link_stopped.lead": "The message that it comes from was stopped by the operator of the mail service. The page "
    "behind it may be harmful.",
    "link_stopped.detail": "Do not enter passwords or card numbers on pages that such a message led you to.",
    "track.title": "Openings and clicks",
    "track.on": "<bdi>{tenant}</bdi> may see when you open its mails and which links you follow. You agreed to "
    "that on {date}.",
    "track.usual": "<bdi>{tenant}</bdi> may see when you open its mails and which links you follow, unless you "
    "switch that off.",
    "track.off": "<bdi>{tenant}</bdi> does not see whether you open its mails or which links you follow. Nothing "
    "changes if you leave it so.",
    "track.wording": "I agree that {tenant} sees when I open its mails and which links in them I follow. I can end "
    "this at any time.",
    "track.agree": "Allow it",
    "track.stop": "Switch it off",
    "track.saved_on": "Saved. Openings and clicks may be seen from now on.",
    "track.saved_off": "Saved. Nothing of this is recorded any more, not even for mail that you have already.",
    "track.unticked": "Nothing has changed: the box was not ticked.",
    "gone.title": "Nothing left to do",
    "gone.lead": "This address is no longer stored here, so no mailing goes to it.",
    "unclear.title": "Nothing was changed",
    "unclear.lead": "The request didn’t say what to do.",
    "unclear.detail": "Open the link from the message and press the button on the page.",
    "error.400": "The request can’t be understood",
    "error.404": "There is no such page",
    "error.405": "This can’t be done here",
    "error.408": "The request took too long",
    "error.413": "The request is too large",
    "error.500": "Something went wrong here",
    "error.503": "Busy right now",
    "error.detail.404": "Check the address, or open the link again straight from the message.",
    "error.detail.405": "Open the page in a browser and use its buttons.",
    "error.detail.500": "Nothing was changed by this request. Please try again in a few minutes.",
    "error.detail.503": "Nothing was changed. Please try again in a minute.",
    "error.detail": "Nothing was changed. Please go back and try again.",
    # Subscription forms and their confirmation (double opt-in).
    "form.title": "Subscribe to mail from <bdi>{tenant}</bdi>",
    "form.email": "Your e-mail address",
    "form.topics": "What would you like to receive?",
    "form.age": "Are you 16 or older?",
    "form.yes": "Yes",
    "form.no": "No",
    "form.wording": "What you agree to",
    "form.button": "Subscribe",
    "form.then": "Next, a mail with a link comes to you. Only when you confirm there are you subscribed.",
    "form.trap": "Leave this field empty",
    "form.link": "Open the form",
    "form.fault": "Not sent yet",
    "form.fault.email": "That is not a complete e-mail address, such as ann@example.com.",
    "form.fault.topics": "Please choose at least one.",
    "form.fault.age": "Please answer this question.",
    "form.fault.fast": "That was very quick. Please check what you entered and press the button once more.",
    "form.fault.old": "This page was open for a long time. Please press the button once more.",
    "form.fault.changed": "The text that you agree to has changed. Please read it and press the button once more.",
    "form.fault.unsure": "Please check what you entered and press the button.",
    "asked.title": "Please look into your mailbox",
    "asked.lead": "If the address is right, a mail from <bdi>{tenant}</bdi> with a link is on its way. Open the "
    "link and confirm; only then are you subscribed.",
    "asked.detail": "Nothing there after a few minutes? Look into the spam folder, and check the address for typing "
    "mistakes. A mail that was asked for just now isn’t sent a second time.",
    "young.title": "Nothing was stored",
    "young.lead": "This form is for people of 16 or older. Neither your address nor your answer was kept.",
    "confirm.title": "Confirm your subscription",
    "confirm.lead": "<bdi>{tenant}</bdi> asks to send mail to <bdi>{address}</bdi> on:",
    "confirm.button": "Yes, subscribe me",
    "confirm.wrong": "It wasn’t me",
    "confirmed.title": "You are subscribed",
    "confirmed.lead": "From now on <bdi>{tenant}</bdi> may send mail to <bdi>{address}</bdi> on:",
    "confirmed.note": "You can end this at any time: every mailing has a link for it.",
    "before.title": "Already confirmed",
    "before.lead": "You confirmed this subscription on {date}. There is nothing more to do.",
    "left.title": "You have unsubscribed since then",
    "left.lead": "You unsubscribed from <bdi>{tenant}</bdi> after this link was asked for, so it can’t subscribe you "
    "again.",
    "left.detail": "If you want the mail after all, fill in the form once more.",
    "closed.title": "This can’t be confirmed",
    "closed.lead": "<bdi>{tenant}</bdi> may not send mailings to <bdi>{address}</bdi>. Nothing was changed.",
    "expired.title": "This link is no longer valid",
    "expired.lead": "Such a link works for a limited time only. If you confirmed in time, all is well.",
    "expired.detail": "If not, fill in the form once more.",
    "never.title": "Never be asked by <bdi>{tenant}</bdi> again?",
    "never.lead": "Then no more confirmation mails from <bdi>{tenant}</bdi> come to you, and no mailings: if you are "
    "subscribed to any, that ends too.",
    "never.button": "Never ask me again",
    "nevered.title": "You won’t be asked again",
    "nevered.lead": "<bdi>{tenant}</bdi> sends no more confirmation mails and no mailings to your address.",
    # Service mail, which comes without a subscription.
    "service.title": "Service messages",
    "service.lead": "<bdi>{tenant}</bdi> sends these without a subscription, because of what you do there.",
    "service.stop": "Stop these messages",
    "service.stopped": "You get no more of these messages.",
    "essential.title": "Stop messages that you may need?",
    "essential.lead": "<bdi>{tenant}</bdi> sends you codes, links to set a new password or security warnings with "
    "these messages.",
    "essential.lost": "Without them you may not be able to log in or to set a new password, and nobody warns you if "
    "somebody else uses your account.",
    "essential.stop": "Stop them all the same",
    "essential.keep": "Keep them",
    "essential.back": "If you want them again later, write to <bdi>{contact}</bdi>.",
    # To a tenant: plain text, so without markup.
    "complained.subject": "A complaint about messages that people need ({stream})",
    "complained.told": "{address} has called an essential message of {tenant} (stream {stream}) spam. All other mail "
    "of {tenant} to this person has stopped. Messages of this stream still go out until {date}, then they stop too.",
    "complained.do": "If the person needs them, for example to log in, agree with the person on another way in time.",
    # The confirmation mail: plain text, so without markup.
    "mail.subject": "Please confirm: mail from {tenant}",
    "mail.hello": "Hello,",
    "mail.asked": "on {date} this address was entered in a form to receive mail from {tenant} on:",
    "mail.please": "Was that you? Then please confirm it:",
    "mail.button": "Confirm my subscription",
    "mail.until": "The link works until {date}. Until you confirm, this request brings you no mail on these topics.",
    "mail.not_you": "It wasn’t you? Then there is nothing you need to do: without your confirmation the request is "
    "deleted by itself.",
    "mail.never": "If you never want to be asked by {tenant} again:",
    "mail.sender": "Sent for {tenant}, {contact}",
    "own.subject": "Your report about mail from {tenant}",
    "own.asked": "on {date} this address was entered on a page to report mail from {tenant} as spam. The message went "
    "to several people at once, so we ask you yourself:",
    "own.please": "Was that you? Then please report it here. {tenant} can then send you nothing more, not even notices "
    "about orders or accounts:",
    "own.not_you": "It wasn’t you? Then there is nothing you need to do: nothing has been changed.",
    # The footer of mail: plain text, so without markup.
    "footer.reason": 'You receive this because you subscribed to "{topic}" of {tenant} on {date} ({source}).',
    "footer.since": 'You receive this because you are on the list "{topic}" of {tenant} since {since};'
    " it was taken over on {date} ({source}).",
    "footer.undated": 'You receive this because you subscribed to "{topic}" of {tenant} ({source});'
    " no date is stated, the list was taken over on {date}.",
    "footer.dealings": "You receive this message because of your dealings with {tenant}.",
    "ground.contract": "You receive this because of a contract with {tenant}, or because of what you asked for there.",
    "ground.legal-duty": "You receive this because the law obliges {tenant} to tell you.",
    "ground.membership": "You receive this because you are a member of {tenant}.",
    "ground.employment": "You receive this because you work for {tenant}.",
    "ground.existing-customer": "You receive this because you are a customer of {tenant}.",
    "footer.unsubscribe": "Unsubscribe",
    "footer.preferences": "Your preferences",
    "footer.sender": "Sent by {tenant}, {contact}",
    "conduct.warned.subject": "A warning about mail of {tenant}",
    "conduct.warned.lead": "This is a warning. Your mail goes on for now.",
    "conduct.frozen.subject": "Bulk mail of {tenant} is stopped",
    "conduct.frozen.lead": "Your bulk mail was stopped, also what was waiting to be sent. Service messages go on.",
    "conduct.frozen_all.subject": "All mail of {tenant} is stopped",
    "conduct.frozen_all.lead": "All of your mail was stopped, also what was waiting to be sent.",
    "conduct.unfrozen.subject": "{tenant} may send again",
    "conduct.unfrozen.lead": "Your bulk mail goes out again, also what was waiting.",
    "conduct.unfrozen_all.subject": "{tenant} may send again",
    "conduct.unfrozen_all.lead": "Your mail goes out again, also what was waiting.",
    "conduct.decided.subject": "About your answer: {tenant}",
    "conduct.decided.lead": "A person has read your answer to statement {number} of {date}:",
    "conduct.about": "It is about: {about}",
    "conduct.about.campaign": "campaign {name}",
    "conduct.about.domain": "domain {name}",
    "conduct.about.credential": "log-in {name}",
    "conduct.reason": "Why: {reason}",
    "conduct.facts": "The facts:",
    "conduct.fact.bounces": "{scope}: {count} of {of} recipients ({percent} %) were dead addresses within "
    "{days} days; the limit is {limit} %",
    "conduct.fact.complaints": "{scope}: {count} of {of} recipients ({percent} %) called your mail spam "
    "within {days} days; the limit is {limit} %",
    "conduct.fact.said": "{text}",
    "conduct.scope.tenant": "All mail",
    "conduct.scope.kind": "All bulk mail",
    "conduct.scope.stream": "Stream {name}",
    "conduct.scope.campaign": "Campaign {name}",
    "conduct.rule": "The rule: {rule}",
    "conduct.rule.R12": "what comes back from a campaign's first part decides about the rest",
    "conduct.rule.R14": "the sender is true, and known to us",
    "conduct.rule.R17": "what may not be offered or written",
    "conduct.rule.R23": "one account a customer",
    "conduct.rule.R24": "the operator keeps the service's rules",
    "conduct.rule.R25": "rates of dead addresses and complaints stay below the limits",
    "conduct.automatic": "Software decided this by the facts above. If you object, a person looks at it.",
    "conduct.by_person": "A person decided this.",
    "conduct.object": "You can object or explain: reply to this letter and name statement {number}, or send "
    "your answer by the API, POST /v1/statements/{number}/answer. A person reads it and answers you.",
    "conduct.terminated.subject": "The account {tenant} is closed",
    "conduct.terminated.lead": "Your account was ended: its log-ins for sending, tokens and forms no longer work, "
    "and nothing is sent any more. Whoever can sign in to the pages can still read and export what is there.",
    "conduct.reinstated.subject": "The account {tenant} is open again",
    "conduct.reinstated.lead": "Your account is open again. You need new log-ins, tokens and forms.",
    "conduct.declined.subject": "A campaign of {tenant} was declined",
    "conduct.declined.lead": "What was held of this campaign is not sent, and was given back to your plan.",
    "conduct.stopped.subject": "A campaign of {tenant} is stopped",
    "conduct.stopped.lead": "The rest of this campaign is held; a person decides about it.",
    "conduct.fact.campaign": "{campaign}: {recipients} recipients, {delivered} delivered, {bounced} came "
    "back, {complained} complained, {unsubscribed} unsubscribed",
    "conduct.fact.contests": (
        "{scope}: {count} of {of} recipients ({percent} %) said within {days} days that they never agreed; "
        "the limit is {limit} %"
    ),
    "conduct.fact.record": "{type} {name} should be: {value}",
    "conduct.fact.until": "until {until} mail goes on",
    "conduct.domain_failing.subject": "A domain of {tenant} lacks its DNS records",
    "conduct.domain_failing.lead": "The records that prove this domain to be yours are not in DNS any more. "
    "Please put them back; otherwise mail from it is held.",
    "conduct.domain_lost.subject": "Mail of {tenant} is held: a domain lacks its DNS records",
    "conduct.domain_lost.lead": "Mail from this domain is held and new mail refused until its records are "
    "back in DNS; then it goes on by itself.",
    "conduct.braked.subject": "Mail of {tenant} is held: a log-in is used as never before",
    "conduct.braked.lead": "One of your log-ins suddenly sends otherwise than ever before, as if its "
    "password had been stolen. What it sends that way is held, and nothing is lost;"
    " mail from the networks you always used goes on. Was it you? Then let it go: "
    "POST /v1/brakes/NUMBER/release with the number of this statement, or reply. "
    "Was it not? Then have the password reset, and drop what is held: POST "
    "/v1/brakes/NUMBER/drop.",
    "conduct.brake_released.subject": "Mail of {tenant} goes on",
    "conduct.brake_released.lead": "What was held of this log-in goes out, and the networks it came from count as "
    "yours from now on.",
    "conduct.brake_dropped.subject": "Held mail of {tenant} was dropped",
    "conduct.brake_dropped.lead": "What somebody else sent with this log-in is not sent, and was given back to "
    "your plan. Have the password reset if that wasn’t done yet: until then its "
    "mail from new networks is held.",
    "conduct.fact.new_networks": "{count} copies came from {networks} networks that it never sent from before",
    "conduct.fact.volume": "{count} copies within an hour; usual are {usual}, the most ever was {peak}",
    "conduct.fact.content": "its content is unlike all that was sent before",
    "conduct.fact.strangers": "{percent} % of it goes to people of whom nothing was known",
    "conduct.rule.R28": "log-ins are used by their owners alone",
    "contact.subject": "Please confirm the contact address of {tenant}",
    "contact.asked": "this address is named as the contact of {tenant} at {operator}. It stands in every "
    "mailing of {tenant}, and we write to it when something needs attention.",
    "contact.please": "Do you read it? Then please confirm it here:",
    "contact.until": "The link works until {date}. Unless the address is confirmed, bulk mail is not taken.",
    "contact.not_you": "You have nothing to do with this sender? Then do nothing, and tell us by replying.",
    "contact.changed.subject": "The contact address of {tenant} was changed",
    "contact.changed": "the contact of {tenant} is from now on {contact}. Letters about the account go there.",
    "contact.changed_not_you": "You didn’t want that? Then reply to this letter at once.",
    "contact.page.title": "Contact address of <bdi>{tenant}</bdi>",
    "contact.page.lead": "<bdi>{address}</bdi> is named as the contact of <bdi>{tenant}</bdi>. Confirm that "
    "you read this address for <bdi>{tenant}</bdi>.",
    "contact.page.button": "Yes, I read this address",
    "contact.done.title": "Thank you, the address is confirmed",
    "contact.done.lead": "<bdi>{address}</bdi> is the contact of <bdi>{tenant}</bdi>. There is nothing more to do.",
    "contact.over.title": "This link has been used, or a newer one was sent",
    "contact.over.lead": "If you confirmed in time, all is well. If not, open the link in the latest letter, "
    "or ask the operator for another.",
    "open.title": "Report spam",
    "open.lead": "Paste the whole message, or describe it. If you only want no more mail, the unsubscribe "
    "link in the message is quicker.",
    "open.message": "The message, or the link from it",
    "open.message_note": "Best with its header: your mail program shows it as source or original. A link that "
    "stands after “X-Report-Abuse:” is enough.",
    "open.or": "Or describe it",
    "open.sender": "Sender’s e-mail address",
    "open.description": "What was it about, and when did it come?",
    "open.email": "Your e-mail address, at which it arrived",
    "open.then": "A letter with a link goes to your address. Your report counts once you press that. Whoever "
    "sent the message isn’t told your name by this page.",
    "open.fault.nothing": "Paste the message or its link, or describe it and give the sender’s address.",
    "open.taken.title": "Thank you, one step is left",
    "open.taken.lead": "A letter with a link is on its way to <bdi>{address}</bdi>. Your report counts once "
    "you press that.",
    "open.taken.detail": "Nothing there after a few minutes? Look into the spam folder, and check the address "
    "for typing mistakes. A letter that was asked for just now isn’t sent a second time.",
    "open.subject": "Please confirm your spam report",
    "open.asked": "on {date} this address was entered on a page of {operator} to report spam.",
    "open.please": "Was that you? Then please confirm it here:",
    "open.until": "The link works until {date}.",
    "open.not_you": "It wasn’t you? Then there is nothing you need to do: nothing has been reported, and it "
    "is deleted by itself.",
    "open.confirm.title": "Report this as spam?",
    "open.confirm.lead": "If the message came from this mail service to this address, its sender can send "
    "nothing more to it, not even notices about orders or accounts. Otherwise a person looks at your report.",
    "open.confirm.button": "Yes, report it",
    "open.done.title": "Thank you, it is reported",
    "open.done.lead": "The operator of this mail service sees to it.",
    "open.over.title": "This report was confirmed, or its link has ended",
    "open.over.lead": "If you confirmed in time, all is well. If not, report it once more.",
    "language.label": "Language",
    "privacy.label": "Privacy notice",
    **WHY,
    "webhook.subject": "Your webhook is called no more",
    "webhook.gone": "The server behind {url} answered 410 (gone). The relay has stopped calling it.",
    "webhook.dead": "The server behind {url} has not answered a single event well for 5 days. "
    "The relay has stopped calling it.",
    "webhook.last": "Its last answer: {answer}",
    "webhook.kept": "No event is lost: they are kept, and GET /v1/events lists them.",
    "webhook.todo": "Once the server is well again, send it a test (webhook {webhook}). "
    "A test that is answered with 2xx resumes the calls, from where they stopped.",
    "quota.near.subject": "Most of your plan is used: {tenant}",
    "quota.full.subject": "Your plan is used up: {tenant}",
    "quota.near.messages": "{used} of the {limit} messages of your plan “{plan}” are used. It is renewed on {date}.",
    "quota.near.subscribers": "{used} of the {limit} different subscribers of your plan “{plan}” are used. It is "
    "renewed on {date}.",
    "quota.full.messages": "All {limit} messages of your plan “{plan}” are used. Further messages are refused until "
    "{date}.",
    "quota.full.subscribers": "All {limit} different subscribers of your plan “{plan}” are used. Until {date} "
    "messages to others are refused; those who had mail in this period still get it.",
    "quota.todo": "Nothing is billed by itself. If you need more before {date}, ask the operator for a larger plan. "
    "What is used at any time: GET /v1/quota.",
}
