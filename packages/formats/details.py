"""What is told of an image; without Pillow, which only who reads one needs."""

from dataclasses import dataclass


class ImageFault(Exception):
    """An image is not whole, or not what it says it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageDetails:
    """What MIX 2.0 asks for. ``byte_order``: ``little endian``, ``big endian`` or None; sizes are pixels.

    ``extra_samples`` are those beyond the colours, in MIX's words; ``colour_map`` is the palette as the file has it.
    """

    kind: str
    width: int
    height: int
    colour_space: str
    bits: tuple[int, ...]
    compression: str
    byte_order: str | None = None
    frames: int = 1
    extra_samples: tuple[str, ...] = ()
    colour_map: bytes | None = None
