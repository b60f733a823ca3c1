"""Finding policies by entry point and building them in the order of the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points

from relay.pipeline.contract import BasePolicy, Policy

GROUP = "relay.policies"
HOOKS = ("on_reverse_path", "on_recipient", "on_message", "on_release", "on_campaign")


class PolicyError(Exception):
    """A policy can't be used; the text lists every fault with its path."""


def load(order: Sequence[str], tables: Mapping[str, Mapping[str, object]]) -> list[Policy]:
    """Build the policies named in ``[policies] order`` with their ``[policy.NAME]`` tables.

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
        except ValueError as error:
            faults.append(f"policy.{name}: {error}")
        except (Exception, SystemExit) as error:
            faults.append(f"policy.{name}: can't be loaded: {type(error).__name__}: {error}")
        else:
            built.append(policy)
    if faults:
        raise PolicyError("\n".join(faults))
    return built


def hooks(policy: Policy) -> tuple[str, ...]:
    """Names of the hooks that a policy writes itself."""
    return tuple(name for name in HOOKS if getattr(type(policy), name, None) is not getattr(BasePolicy, name))
