"""MIX 2.0 (NISO Z39.87) of an image."""

from base64 import b64encode

from lxml import etree

from loader.destinations.preservation_service.namespaces import MIX
from packages.formats.details import ImageDetails
from packages.formats.identify import Format

_M = f"{{{MIX}}}"


def mix(image: ImageDetails, form: Format, reference: str) -> etree._Element:
    """What MIX tells of an image: size, colours, bits, compression, and the order of bytes of a TIFF.

    ``reference`` is the URI of the file, which holds the palette, if there is one.
    """
    root = etree.Element(_M + "mix", None, {"mix": MIX})
    basic = _sub(root, "BasicDigitalObjectInformation")
    designation = _sub(basic, "FormatDesignation")
    _sub(designation, "formatName", form.mime)
    _sub(designation, "formatVersion", form.version)
    if image.byte_order:
        _sub(basic, "byteOrder", image.byte_order)
    _sub(_sub(basic, "Compression"), "compressionScheme", image.compression)
    characteristics = _sub(_sub(root, "BasicImageInformation"), "BasicImageCharacteristics")
    _sub(characteristics, "imageWidth", str(image.width))
    _sub(characteristics, "imageHeight", str(image.height))
    _sub(_sub(characteristics, "PhotometricInterpretation"), "colorSpace", image.colour_space)
    _sub(root, "ImageCaptureMetadata")
    encoding = _sub(_sub(root, "ImageAssessmentMetadata"), "ImageColorEncoding")
    per_sample = _sub(encoding, "BitsPerSample")
    for bits in image.bits:
        _sub(per_sample, "bitsPerSampleValue", str(bits))
    _sub(per_sample, "bitsPerSampleUnit", "integer")
    _sub(encoding, "samplesPerPixel", str(len(image.bits)))
    for extra in image.extra_samples:
        _sub(encoding, "extraSamples", extra)
    if image.colour_map is not None:
        palette = _sub(encoding, "Colormap")
        _sub(palette, "colormapReference", reference)
        _sub(palette, "embeddedColormap", b64encode(image.colour_map).decode())
    return root


def _sub(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, _M + name)
    element.text = text
    return element
