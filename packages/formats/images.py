"""What an image says of itself, and whether it is whole: Pillow, and the directories of a TIFF read before it.

A TIFF is sound here when its directories are where its header says, its strips or tiles lie within the file, and
Pillow (with libtiff) decodes it to the last row. That stands in for JHOVE's TIFF module, which is no Python; JHOVE
also finds faults of form (tags of a wrong type or order) that do no harm to the picture.
"""

import struct
from pathlib import Path
from typing import IO, Any

from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from packages.formats.details import ImageDetails, ImageFault

# Larger pictures are read to the last byte, but not decoded: their pixels would fill the memory.
MAX_DECODED_PIXELS = 120_000_000
# Pillow's own bound would refuse scans of maps; ours is the one above.
Image.MAX_IMAGE_PIXELS = None

_MAX_DIRECTORIES = 10_000


_TIFF_COMPRESSION = {
    1: "Uncompressed",
    2: "CCITT 1D",
    3: "CCITT Group 3",
    4: "CCITT Group 4",
    5: "LZW",
    6: "JPEG",
    7: "JPEG",
    8: "Deflate",
    32773: "PackBits",
    32946: "Deflate",
}
_TIFF_COLOURS = {
    0: "WhiteIsZero",
    1: "BlackIsZero",
    2: "RGB",
    3: "PaletteColor",
    4: "TransparencyMask",
    5: "CMYK",
    6: "YCbCr",
    8: "CIELab",
    9: "ICCLab",
}
_MODES: dict[str, tuple[str, tuple[int, ...]]] = {
    "1": ("BlackIsZero", (1,)),
    "L": ("BlackIsZero", (8,)),
    "LA": ("BlackIsZero", (8, 8)),
    "I;16": ("BlackIsZero", (16,)),
    "I": ("BlackIsZero", (16,)),
    "P": ("PaletteColor", (8,)),
    "RGB": ("RGB", (8, 8, 8)),
    "RGBA": ("RGB", (8, 8, 8, 8)),
    "CMYK": ("CMYK", (8, 8, 8, 8)),
    "YCbCr": ("YCbCr", (8, 8, 8)),
}
_SAMPLES = {"RGB": 3, "CMYK": 4, "YCbCr": 3, "CIELab": 3, "ICCLab": 3}
_EXTRA = {1: "associated alpha data (with pre-multiplied color)", 2: "unassociated alpha data"}
_UNKNOWN_EXTRA = "unspecified data"
_COMPRESSION = {"JPEG": "JPEG", "MPO": "JPEG", "GIF": "LZW", "PNG": "Deflate"}


def read_image(path: Path) -> ImageDetails:
    """What the JPEG, GIF, PNG or TIFF at ``path`` says of itself; its pixels are not looked at.

    ``kind`` is Pillow's name of the format: ``JPEG``, ``MPO`` (several pictures in a JPEG), ``GIF``, ``PNG``, ``TIFF``.
    Raises ImageFault.
    """
    if is_tiff(path):
        with path.open("rb") as file:
            return _read_tiff(file)
    try:
        with Image.open(path) as image:
            return _described(image)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, struct.error) as error:
        raise ImageFault(f"The image cannot be read: {error}") from None


def is_tiff(path: Path) -> bool:
    """Whether the file begins as a TIFF does."""
    with path.open("rb") as file:
        return file.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def is_jpeg(path: Path) -> bool:
    """Whether the file begins as a JPEG does."""
    with path.open("rb") as file:
        return file.read(3) == b"\xff\xd8\xff"


def decode(path: Path) -> None:
    """Decode the image at ``path`` to its last row, unless it is larger than memory should hold. Raises ImageFault."""
    try:
        with Image.open(path) as image:
            if image.width * image.height <= MAX_DECODED_PIXELS:
                image.load()
    except UnidentifiedImageError:
        # Samples that Pillow has no name for (32 bits a channel, ...); the directories were judged before.
        return
    except (OSError, SyntaxError, ValueError, struct.error, EOFError) as error:
        raise ImageFault(f"The image cannot be decoded: {error}") from None


def _described(image: Image.Image) -> ImageDetails:
    kind = image.format or ""
    colours, bits = _MODES.get(image.mode, ("Other", (8,)))
    if kind in ("JPEG", "MPO") and image.mode == "RGB" and image.info.get("adobe_transform") != 0:
        colours = "YCbCr"  # what is stored; Pillow converts
    return ImageDetails(
        kind=kind,
        width=image.width,
        height=image.height,
        colour_space=colours,
        bits=bits,
        compression=_COMPRESSION.get(kind, "Unknown"),
        frames=int(getattr(image, "n_frames", 1)),
        extra_samples=(_EXTRA[2],) * (len(bits) - _SAMPLES.get(colours, 1)),
        colour_map=image.palette.tobytes() if image.palette is not None else None,
    )


def _read_tiff(file: IO[bytes]) -> ImageDetails:
    size = file.seek(0, 2)
    file.seek(0)
    header = file.read(8)
    if header[2:4] not in (b"*\0", b"\0*"):
        raise ImageFault("It is a BigTIFF, which preservation services do not take.")
    directories = _directories(file, header, size)
    first = directories[0]
    for directory in directories:
        _check_data(directory, size)
    samples = int(_one(first, 277, 1))
    bits = tuple(int(value) for value in _all(first, 258)) or (1,)
    if len(bits) < samples:
        bits = bits[:1] * samples
    colours = _TIFF_COLOURS.get(int(_one(first, 262)), "Other")
    extra = tuple(_EXTRA.get(int(value), _UNKNOWN_EXTRA) for value in _all(first, 338))
    beyond = max(samples - _SAMPLES.get(colours, 1), 0)
    palette = _all(first, 320)
    return ImageDetails(
        kind="TIFF",
        width=int(_one(first, 256)),
        height=int(_one(first, 257)),
        colour_space=colours,
        bits=bits[:samples],
        compression=_TIFF_COMPRESSION.get(int(_one(first, 259, 1)), "Unknown"),
        byte_order="little endian" if header.startswith(b"II") else "big endian",
        frames=len(directories),
        extra_samples=(extra + (_UNKNOWN_EXTRA,) * beyond)[:beyond],
        colour_map=struct.pack(f">{len(palette)}H", *palette) if palette else None,
    )


def _directories(file: IO[bytes], header: bytes, size: int) -> list[ImageFileDirectory_v2]:
    order = "<" if header.startswith(b"II") else ">"
    (place,) = struct.unpack(order + "L", header[4:8].ljust(4, b"\0"))
    found: list[ImageFileDirectory_v2] = []
    seen: set[int] = set()
    while place:
        if place in seen or len(found) >= _MAX_DIRECTORIES:
            raise ImageFault("The directories of the TIFF go round in a circle.")
        if not 8 <= place <= size - 6:
            raise ImageFault(f"The TIFF ends before its directory at byte {place}.")
        seen.add(place)
        file.seek(place)
        directory = ImageFileDirectory_v2(header)
        try:
            directory.load(file)
        except Exception as error:  # noqa: BLE001  (a parser of Pillow that raises what it meets)
            raise ImageFault(f"The directory of the TIFF cannot be read: {error}") from None
        found.append(directory)
        place = directory.next
    if not found:
        raise ImageFault("The TIFF has no directory.")
    return found


def _check_data(directory: ImageFileDirectory_v2, size: int) -> None:
    """Strips or tiles must be named, and lie within the file."""
    offsets_tag, counts_tag = (324, 325) if 324 in directory else (273, 279)
    offsets, counts = _all(directory, offsets_tag), _all(directory, counts_tag)
    if not offsets or len(offsets) != len(counts):
        raise ImageFault("The TIFF does not say where its picture is.")
    for offset, count in zip(offsets, counts, strict=True):
        if int(offset) + int(count) > size:
            raise ImageFault(
                f"The TIFF ends before its picture: {size} bytes, {int(offset) + int(count)} needed."
            )


def _all(directory: ImageFileDirectory_v2, tag: int) -> tuple[Any, ...]:
    try:
        value = directory.get(tag, ())
    except Exception as error:  # noqa: BLE001  (values are parsed when they are asked for)
        raise ImageFault(f"A value of the TIFF cannot be read: {error}") from None
    return value if isinstance(value, tuple) else (value,)


def _one(directory: ImageFileDirectory_v2, tag: int, default: int | None = None) -> Any:
    values = _all(directory, tag)
    if values:
        return values[0]
    if default is None:
        raise ImageFault(f"The TIFF lacks tag {tag}.")
    return default
