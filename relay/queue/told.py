"""What an action on the queue did, in a sentence: for whoever typed the command and whoever pressed the button."""

from __future__ import annotations

from relay.queue.admin import PAST, QueueAction, QueueChange


def changed(action: QueueAction, result: QueueChange) -> str:
    text = f"{result.changed} {'copy' if result.changed == 1 else 'copies'} {PAST[action]}"
    text += f"; {result.lifted} held by hand no more, but for what follows" if result.lifted else ""
    text += f"; {result.busy} being delivered now left alone" if result.busy else ""
    text += f"; {result.staged} left to their campaign's verdict" if result.staged else ""
    text += f"; {result.frozen} left to the end of their tenant's freeze" if result.frozen else ""
    text += f"; {result.braked} left to a word on their log-in, `relay credential release`" if result.braked else ""
    return text


def unchanged(action: QueueAction, result: QueueChange) -> str:
    """Why nothing was changed."""
    if result.busy:
        return f"nothing to {action.value}: {result.busy} being delivered now; look again in a moment"
    if result.staged:
        frozen = " and its tenant is frozen, `relay tenant unfreeze NAME`" if result.frozen else ""
        return f"nothing to {action.value}: it waits for its campaign's verdict, `relay campaign release ID`{frozen}"
    if result.braked:
        return f"nothing to {action.value}: its log-in is braked, `relay credential release NAME`"
    if result.frozen:
        return f"nothing to {action.value}: its tenant is frozen, `relay tenant unfreeze NAME`"
    return f"nothing to {action.value} any more"
