"""English texts of signing in: passwords, codes, passkeys, other providers; ``english`` has the others."""

# ruff: noqa: RUF001 - typographic apostrophes are meant here
from __future__ import annotations

from typing import Final

SIGN_IN: Final[dict[str, str]] = {
    "login.title": "Sign in",
    "login.email": "E-mail address",
    "login.password": "Password",
    "login.button": "Continue",
    "login.forgot": "Password lost?",
    "second.title": "Second factor",
    "second.lead": "Enter the code that your app shows now, or one of your recovery codes.",
    "second.code": "Code",
    "second.wrong": "That code isn’t right, or was used already. Wait for the next one.",
    "second.lost": (
        "Device and recovery codes lost? The operator can remove the second factor, once it knows that it is you."
    ),
    "second.set_up": "Enter this key in an authenticator app on your phone, then type the code that it shows.",
    "second.open": "Open it in an app on this device",
    "second.confirm": "Switch it on",
    "codes.title": "Your recovery codes",
    "codes.lead": (
        "Each works once, in place of a code of the app. They are shown this once: print them, or keep them "
        "with your passwords."
    ),
    "codes.done": "I have kept it",
    "password.title": "Your new password",
    "password.once": (
        "It is shown this once and can’t be read again by anybody. Keep it in a password manager. Nobody of "
        "the staff will ever ask for it."
    ),
    "reset.title": "A new password",
    "reset.lead": (
        "Enter the address that you sign in with. A letter with a link goes there; the link works once, for an hour."
    ),
    "reset.button": "Send the link",
    "reset.sent.title": "Please look into your mailbox",
    "reset.sent.lead": "If {address} has a log-in here, a letter with a link is on its way.",
    "reset.limit.title": "Too many letters were asked for",
    "reset.limit.lead": "Wait a quarter of an hour, and look into your mailbox meanwhile.",
    "reset.over.title": "This link doesn’t work any more",
    "reset.over.lead": (
        "It was used, is older than an hour, or there is a newer one. Ask for another on the sign-in page."
    ),
    "reset.confirm": (
        "Make a new password for {login}? The old one, and every session that is open with it, end at once."
    ),
    "reset.make": "Make a new password",
    "reset.mail.subject": "A link to a new password",
    "reset.mail.asked": "somebody asked for a new password for the log-in {login}.",
    "reset.mail.please": "If it was you, open this page and press the button:",
    "reset.mail.until": "The link works once, for an hour.",
    "reset.mail.not_you": "If it wasn’t you, there is nothing you need to do: nothing has been changed.",
    "reset.told.subject": "Your password was renewed",
    "reset.told": "a new password was made for the log-in {login}; the old one and all its sessions have ended.",
    "reset.told_not_you": "If it wasn’t you, ask for a new password yourself at once and tell the operator.",
    "passkey.title": "Passkeys",
    "passkey.lead": (
        "Sign in with your device’s lock (finger, face or PIN) in place of the password: two factors in one step, and "
        "nothing that a false page could take."
    ),
    "passkey.name": "A name, so that you know it again",
    "passkey.add": "Add a passkey",
    "passkey.make": "Create the passkey",
    "passkey.make_lead": "Your browser asks for your device’s lock, and keeps the passkey “{name}” there.",
    "passkey.script": (
        "This step needs JavaScript, since browsers give passkeys to scripts alone. Password and second factor "
        "work without."
    ),
    "passkey.where": "Passkeys need a host’s name and HTTPS. These pages are at {address}.",
    "passkey.used": "Last used {moment}",
    "passkey.unused": "Added {date}, not used so far",
    "passkey.remove": "Remove {name}",
    "passkey.count": "Passkeys: {count}",
    "passkey.via": "by passkey",
    "passkey.sign_in": "Sign in with a passkey",
    "passkey.cancelled": (
        "No passkey came from your device: it was cancelled, took too long, or there is none for this service. "
        "Try again, or use your password."
    ),
    "passkey.known": "This device has a passkey for your log-in already.",
    "passkey.elsewhere": "Passkeys work at {address} alone. Open the page there.",
    "passkey.unable": "This browser or device can’t do that here. Use another, or your password.",
    "passkey.late": "That took too long, or was sent before. Please try again.",
    "passkey.unfit": "What your device answered doesn’t prove a passkey, so none was added. Please try again.",
    "passkey.refused": (
        "This passkey opens nothing here: it was removed, or belongs elsewhere. Sign in with your password."
    ),
    "passkey.copied": (
        "This passkey may have been copied: its count went back. It opens nothing. Sign in with your password, remove "
        "it and add a new one."
    ),
    "passkey.added.subject": "A passkey was added to your log-in",
    "passkey.added.mail": "the passkey “{name}” was added to your log-in {login}. It signs in without the password.",
    "passkey.copied.subject": "A passkey of yours may have been copied",
    "passkey.copied.mail": (
        "somebody tried to sign in as {login} with the passkey “{name}”, and its count was older than the last one. "
        "It may have been copied, so it was refused. Sign in with your password, remove it and add a new one."
    ),
    "oidc.sign_in": "Staff: sign in with {title}",
    "oidc.via": "by the operator’s provider",
    "oidc.only": "Staff sign in by the operator’s provider here: follow its link below.",
    "oidc.down": (
        "The provider that staff sign in by can’t be reached now. Try again in a minute; the relay’s log says more."
    ),
    "oidc.invalid": (
        "What the provider answered doesn’t hold, so nobody was signed in. Try again; the relay’s log says more."
    ),
    "oidc.declined": "The provider signed nobody in: it refused, or you left it.",
    "oidc.role": "Your account at the provider has no role here. Whoever runs this service can give it one.",
    "oidc.domain": "The provider names no verified address of yours whose domain may sign in here.",
    "oidc.address": "The provider names no verified e-mail address of yours, and that is needed the first time.",
    "oidc.taken": (
        "Your address has a log-in here that isn’t open to you by this way: it is a tenant’s, somebody else’s, "
        "or disabled."
    ),
}
