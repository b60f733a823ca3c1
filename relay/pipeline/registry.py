"""Finding policies by entry point and building them in the order of the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction

from config.settings import Settings
from relay.pipeline.contract import BasePolicy, Policy
from relay.values.facts import OperatorFacts

GROUP = "relay.policies"
HOOKS = ("on_reverse_path", "on_recipient", "on_message", "on_release", "on_campaign")
MAY_WAIT = HOOKS[:4]
"""Hooks that may be coroutine functions; nobody waits for an opinion on a campaign, it is asked for again."""


class PolicyError(Exception):
    """A policy can't be used; the text lists every fault with its path."""


def load(
    order: Sequence[str], tables: Mapping[str, Mapping[str, object]], operator: OperatorFacts | None = None
) -> list[Policy]:
    """Build the policies named in ``[policies] order`` with their ``[policy.NAME]`` tables, and tell them whose
    relay it is.

    Raises PolicyError with all faults at once: unknown names, tables without a
    policy, settings that a policy refuses.
    """
    known = {point.name: point for point in entry_points(group=GROUP)}
    faults, built = [], []
    for name in tables:
        if name not in known:
            faults.append(f"policy.{name}: no such policy is installed")
        elif name not in order:
            faults.append(f"policy.{name}: has settings but is not in policies.order")
    for name in order:
        if name not in known:
            faults.append(f"policies.order: no policy {name!r} is installed (there are: {', '.join(sorted(known))})")
            continue
        try:
            policy: Policy = known[name].load()(tables.get(name, {}))
            if operator is not None and hasattr(policy, "serves"):
                policy.serves(operator)
        except ValueError as error:
            faults.append(f"policy.{name}: {error}")
        except (Exception, SystemExit) as error:
            faults.append(f"policy.{name}: can't be loaded: {type(error).__name__}: {error}")
        else:
            wrong = _misshapen(policy)
            faults += [f"policy.{name}: {fault}" for fault in wrong]
            if not wrong:
                built.append(policy)
    if faults:
        raise PolicyError("\n".join(faults))
    return built


def load_from(settings: Settings) -> list[Policy]:
    """Those that the settings name, told whose relay it is. Raises PolicyError."""
    hostname, operator = settings.server.hostname, settings.operator
    facts = OperatorFacts(
        contact=operator.contact,
        addresses=operator.addresses,
        sites=operator.sites,
        pages=tuple(dict.fromkeys((settings.links.base_url or f"https://{hostname}", f"https://{hostname}"))),
        letters_to=(settings.links.mail_domain or hostname,),
    )
    return load(settings.policies.order, settings.policy, facts)


def hooks(policy: Policy) -> tuple[str, ...]:
    """Names of the hooks that a policy writes itself."""
    return tuple(name for name in HOOKS if getattr(type(policy), name, None) is not getattr(BasePolicy, name))


def waits(policy: Policy, hook: str) -> bool:
    """Whether the hook is a coroutine function, to be awaited."""
    return iscoroutinefunction(getattr(policy, hook, None))


def _misshapen(policy: Policy) -> list[str]:
    """Hooks of a kind that nobody could ask."""
    faults = []
    for hook in (*HOOKS, "shared_among", "serves", "findings", "take_notes", "read_note"):
        function = getattr(policy, hook, None)
        if isasyncgenfunction(function) or isgeneratorfunction(function):
            faults.append(f"{hook} yields; a hook returns its answer")
        elif hook not in MAY_WAIT and iscoroutinefunction(function):
            faults.append(f"{hook} can't wait, write it with `def` (those that may: {', '.join(MAY_WAIT)})")
    return faults


def left_out(order: Sequence[str]) -> list[tuple[str, str]]:
    """Installed policies that protect people and aren't in ``order``: the name, and what happens without it."""
    found = []
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if point.name in order:
            continue
        try:
            protects = getattr(point.load(), "protects", "")
        except (Exception, SystemExit):
            continue  # it couldn't be used either
        if isinstance(protects, str) and protects:
            found.append((point.name, protects))
    return found
