"""Reading the pictures a browser takes of a page."""

from __future__ import annotations

import struct
import zlib


def pixels(png: bytes) -> list[tuple[int, int, int]]:
    """Decode an 8-bit RGB or RGBA PNG without interlacing (ISO/IEC 15948)."""
    position, data, width, channels = 8, b"", 0, 3
    while position < len(png):
        (size,) = struct.unpack_from(">I", png, position)
        kind, chunk = png[position + 4 : position + 8], png[position + 8 : position + 8 + size]
        if kind == b"IHDR":
            width, channels = struct.unpack_from(">I", chunk)[0], {2: 3, 6: 4}[chunk[9]]
        elif kind == b"IDAT":
            data += chunk
        position += 12 + size
    raw, stride = zlib.decompress(data), width * channels
    before = bytearray(stride)
    pixels: list[tuple[int, int, int]] = []
    for start in range(0, len(raw), stride + 1):
        line = bytearray(raw[start + 1 : start + 1 + stride])
        _unfilter(raw[start], line, before, channels)
        pixels += [(line[i], line[i + 1], line[i + 2]) for i in range(0, stride, channels)]
        before = line
    return pixels


def _unfilter(kind: int, line: bytearray, before: bytearray, channels: int) -> None:
    for i in range(len(line)):
        left = line[i - channels] if i >= channels else 0
        above = before[i]
        corner = before[i - channels] if i >= channels else 0
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = above
        elif kind == 3:
            guess = (left + above) // 2
        elif kind == 4:
            estimate = left + above - corner
            guess = min((left, above, corner), key=lambda value: abs(estimate - value))
        else:
            guess = 0
        line[i] = (line[i] + guess) & 255
