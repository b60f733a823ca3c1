"""Settings of how tenants behave: policies, rates, reports, contacts, domains, contests, feedback."""

from __future__ import annotations

from typing import Literal

from config.kinds import Count, Mails, Names, Seconds, Table, Wait, key
from config.units import DAY


class Policies(Table):
    """Which policies are asked, in this order; each takes its own settings from `[policy.NAME]`."""

    order: Names = key(
        (
            "sender_identity",
            "operator_contact",
            "misleading_head",
            "forbidden_content",
            "service_mail",
            "consent",
            "quota",
            "rate",
            "unsubscribe_footer",
            "staged_sending",
        ),
        "Names of the policies in force; `relay policies` shows them.",
    )
    wait: Wait = key(
        30.0, "Longest that the policies of one transaction wait for others, all together; then `451 4.3.0`."
    )
    most_waiting: Count = key(
        1000, "Policies that wait at a time, in the whole relay, half of them for one tenant; then `451 4.3.0`.", ge=1
    )


class Reports(Table):
    """Spam reports where the person fills in an address: on copies that several share, and on the public page."""

    network_per_hour: Count = key(20, "Most reports an hour from one network (/24, /64).", ge=1)
    message_per_hour: Count = key(100, "Most reports an hour on one message.", ge=1)
    mailbox_per_day: Count = key(3, "Most letters of the public page to one mailbox in 24 hours.", ge=1)


class Rates(Table):
    """Rates of dead addresses, complaints and contested consents over days; all percentages of recipients."""

    window: Wait = key(7 * DAY, "How far back they look.")
    least: Count = key(200, "Recipients below which a rate says too little.", ge=1)
    bounces_advice: float = key(2.0, "Dead addresses, percent, at which the tenant is warned.", ge=0.001, le=100)
    bounces_review: float = key(5.0, "At which the administrator is called.", ge=0.001, le=100)
    bounces_pause: float = key(10.0, "At which the tenant is frozen, where `freeze` says so.", ge=0.001, le=100)
    complaints_advice: float = key(0.1, "Complaints, percent, at which the tenant is warned.", ge=0.001, le=100)
    complaints_review: float = key(0.1, "At which the administrator is called.", ge=0.001, le=100)
    complaints_pause: float = key(0.5, "At which the tenant is frozen, where `freeze` says so.", ge=0.001, le=100)
    contests_advice: float = key(
        0.05, "People who say that they never agreed, percent, at which the tenant is warned.", ge=0.001, le=100
    )
    contests_review: float = key(0.1, "At which the administrator is called.", ge=0.001, le=100)
    contests_pause: float = key(0.5, "At which the tenant is frozen, where `freeze` says so.", ge=0.001, le=100)
    pause_complaints: Count = key(
        3,
        "People who must have complained or contested before that alone freezes a tenant: one or two prove little.",
        ge=1,
    )
    freeze: Literal["never", "bulk", "all"] = key(
        "never", "What is frozen at the figures for a pause without asking anybody: nothing, bulk streams, or all."
    )
    ease: float = key(
        0.8, "A level is left below this part of its figure, so that nobody is told twice.", ge=0.01, le=1
    )
    reporting: Names = key(
        (),
        "Domains whose complaints reach this relay; those whose loops have reported are known.",
        example=["yahoo.com"],
    )


class Contacts(Table):
    """Tenants' contact addresses, confirmed by a letter."""

    again: Wait = key(365 * DAY, "How long after one confirmation the next is asked for.")
    grace: Wait = key(30 * DAY, "How long bulk mail goes on while that is not answered.")


class Domains(Table):
    """Tenants' domains, looked up again and again."""

    every: Wait = key(DAY, "How often the records that prove a domain are looked up; those that fail more often.")
    grace: Wait = key(3 * DAY, "How long mail goes on after the records are gone; then it is held.")


class Contests(Table):
    """Consents that a person says were never given: the tenant is asked for proof."""

    term: Seconds = key(604_800.0, "How long the tenant has for an answer; then the consent falls.", ge=3600)


class Feedback(Table):
    """Mail that comes back: feedback loops, and letters to the operator (`postmaster@`, `abuse@`)."""

    addresses: Mails = key(
        (),
        "Addresses that feedback loops were told to send their reports to; taken on the inbound port.",
        example=["fbl@relay.example.com"],
    )
    letters_per_hour: Count = key(100, "Most letters an hour that are handed on to the operator.", ge=1)
    letters_per_network: Count = key(20, "Most of them from one network (/24, /64).", ge=1)
