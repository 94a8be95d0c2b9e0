"""The codes of files that cannot be preserved, and what they mean."""

CODES: dict[str, str] = {
    "museum.filename.characters": "The name of an attachment has characters outside of ASCII; its object is frozen.",
    "museum.filename.reserved": "An attachment is named Multimedia.xml; its object is frozen.",
    "museum.extension": "A file's ending is none of those that are preserved; its object is frozen.",
    "museum.format": "A file is of no format that is preserved, or a zip cannot be unpacked; its object is frozen.",
    "museum.jpeg.mpo": "A JPEG file holds several pictures (MPO); its object is frozen.",
    "museum.jpeg.type": "A file named as a JPEG is none, or is damaged; its object is frozen.",
    "museum.jpeg.version": "A JPEG file has a version that is not preserved; its object is frozen.",
    "museum.tiff.invalid": "A TIFF file is damaged; its object is frozen.",
    "museum.tiff.pages": "A TIFF file has several pages; its object is frozen.",
}
