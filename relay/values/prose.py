"""What people write to people, within bounds: one line, or a text of several. Pure."""

from __future__ import annotations

from relay.values.errors import RegistryError


def how_many(number: int, noun: str, plural: str = "") -> str:
    """``1 line``, ``2 lines``, ``0 lines``; ``plural`` where it has another ending than s."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def one_line(text: str, most: int, what: str) -> str:
    """Without needless blanks; RegistryError where it is empty, too long or not printable."""
    said = " ".join(text.split())
    if not said or len(said) > most or not said.isprintable():
        raise RegistryError(f"the {what} must be one line of printable text, of at most {most} characters")
    return said


def several_lines(text: str, most: int, hint: str) -> str:
    """Without blanks at the ends of lines; ``hint`` is what to do where it is empty. Raises RegistryError."""
    said = "\n".join(line.rstrip() for line in text.strip().splitlines()).strip()
    if not said:
        raise RegistryError(f"the text is empty; {hint}")
    if len(said) > most or not said.replace("\n", " ").replace("\t", " ").isprintable():
        raise RegistryError(f"the text must be printable, of at most {most} characters")
    return said
