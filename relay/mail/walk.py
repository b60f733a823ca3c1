"""The walk through a message's multiparts: from top to bottom, once, without recursion (RFC 2046 §5.1)."""

from __future__ import annotations

from relay.mail.parts import Field, Malformed, Part, ScanLimits, describe, read_fields

MAX_LOOK_ALIKES = 10_000
_NONE = -2
"""Not found, and won't be further on."""


class Walk:
    """The open multiparts while the message is read from top to bottom."""

    def __init__(self, message: bytes, parts: list[Part], limits: ScanLimits) -> None:
        self.message = message
        self.parts = parts
        self.limits = limits
        self.open: list[Part] = [parts[0]]
        """Multiparts from the outermost on; the last may be waiting for its first delimiter."""
        self.levels: dict[bytes, int] = {parts[0].boundary: 0}
        self.ahead: dict[bytes, int] = {}
        """Where each boundary comes next, as far as that was looked for."""
        self.current: Part | None = None
        """The leaf being read, a child of ``open[-1]``."""

    def run(self) -> None:
        message = self.message
        odd = 0
        at = self._find(max(self.parts[0].body_start - 2, 0))
        while at >= 0:
            line = at + 4
            line_end = message.find(b"\r\n", line)
            hit = self._level(message[line:line_end])
            if hit is None:
                odd += 1
                if odd > MAX_LOOK_ALIKES:
                    raise Malformed(f"more than {MAX_LOOK_ALIKES} lines begin like a MIME boundary (at offset {line})")
                at = self._find(line_end)
                continue
            level, closing = hit
            hit_part = self.open[level]
            self._close_below(level, at)
            if closing:
                self._pop(level)
                self.current = hit_part
                after = line_end
            else:
                after = self._open_part(hit_part, line_end + 2)
            at = self._find(after)
        self._close_below(0, len(message))

    def _find(self, start: int) -> int:
        """Offset of the next line break before a line that begins like an open delimiter; -1 without one."""
        nearest = -1
        for boundary in self.levels:
            at = self.ahead.get(boundary, start - 1)
            if at < start and at != _NONE:
                at = self.message.find(b"\r\n--" + boundary, start)
                self.ahead[boundary] = at if at >= 0 else _NONE
            if at >= 0 and (nearest < 0 or at < nearest):
                nearest = at
        return nearest

    def _level(self, text: bytes) -> tuple[int, bool] | None:
        """Whose delimiter a line ``--text`` is, and whether it is the last one (RFC 2046 §5.1.1)."""
        text = text.rstrip(b" \t")
        level = self.levels.get(text)
        if level is not None:
            return level, False
        if text.endswith(b"--"):
            level = self.levels.get(text[:-2])
            if level is not None:
                return level, True
        return None

    def _close_below(self, level: int, end: int) -> None:
        """A delimiter of ``open[level]`` ends whatever is open inside of it."""
        if self.current is not None:
            self.current.body_end = max(self.current.body_start, end)
            self.current = None
        while len(self.open) > level + 1:
            inner = self.open[-1]
            inner.body_end = max(inner.body_start, end)
            self._pop(len(self.open) - 1)

    def _pop(self, level: int) -> None:
        closed = self.open.pop()
        if self.levels.get(closed.boundary) == level:
            del self.levels[closed.boundary]
        if not self.open:
            # Nothing is open after the outermost close delimiter; the rest is epilogue.
            self.open = [closed]
            self.levels = {}

    def _open_part(self, parent: Part, start: int) -> int:
        """Read the header of the part that starts at ``start``; where to look for the next delimiter."""
        message, parts, limits = self.message, self.parts, self.limits
        if len(parts) >= limits.parts:
            raise Malformed(f"more than {limits.parts} MIME parts (at offset {start})")
        if parent.depth + 1 > limits.depth:
            raise Malformed(f"MIME parts nested more than {limits.depth} deep (at offset {start})")
        fields, header_end = self._part_header(start)
        part = Part(len(parts), parent.index, parent.depth + 1, start, fields, header_end, header_end)
        if message.startswith(b"\r\n", header_end):
            part.body_start = header_end + 2
            ahead = message[part.body_start : part.body_start + 2] == b"--"
            part.hollow = ahead and self._is_delimiter(part.body_start)
        else:
            part.hollow = self._is_delimiter(header_end) or header_end >= len(message)
        index: dict[bytes, list[Field]] = {}
        for one in fields:
            index.setdefault(one.name, []).append(one)
        describe(part, message, index, self._default(parent))
        parent.children.append(part.index)
        parts.append(part)
        if part.boundary and part.boundary not in self.levels:
            self.levels[part.boundary] = len(self.open)
            self.open.append(part)
        else:
            self.current = part
        return part.body_start - 2

    @staticmethod
    def _default(parent: Part) -> str:
        return "message/rfc822" if parent.content_type == "multipart/digest" else "text/plain"

    def _part_header(self, start: int) -> tuple[list[Field], int]:
        """A part's header ends at the first line that is no field, as mail programs have it."""
        limit = start + self.limits.header_octets
        fields = read_fields(self.message, start, len(self.message), self.limits, self._is_delimiter)
        end = fields[-1].end if fields else start
        if end > limit:
            raise Malformed(f"the part header at offset {start} has more than {limit - start} octets")
        return fields, end

    def _is_delimiter(self, position: int) -> bool:
        if not self.message.startswith(b"--", position):
            return False
        line_end = self.message.find(b"\r\n", position)
        return self._level(self.message[position + 2 : line_end]) is not None
