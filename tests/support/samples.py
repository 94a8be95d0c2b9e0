"""Packages and Atom entries for tests and benchmarks. Pure: no Django."""

import io
import tarfile
import zipfile

ATOM = "http://www.w3.org/2005/Atom"
SD = "https://www.softwareheritage.org/schema/2018/deposit"
SWORD = "http://purl.org/net/sword/terms/"


def make_zip(files: dict[str, bytes]) -> bytes:
    """A zip of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def make_tar(files: dict[str, bytes], mode: str = "w:gz") -> bytes:
    """A tar of these files, gzipped unless told otherwise."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def atom_entry(inner: str = "", *, title: str = "A program", author: str = "Ada Lovelace") -> bytes:
    """An Atom entry with CodeMeta that passes all checks; ``inner`` is put in at the end."""
    return f"""<?xml version="1.0" encoding="utf-8"?>
<entry xmlns="{ATOM}" xmlns:codemeta="https://doi.org/10.5063/SCHEMA/CODEMETA-2.0"
       xmlns:swh="{SD}" xmlns:schema="http://schema.org/" xmlns:dcterms="http://purl.org/dc/terms/">
  <title>{title}</title>
  <codemeta:author><codemeta:name>{author}</codemeta:name></codemeta:author>
  {inner}
</entry>""".encode()


def create_origin(url: str) -> str:
    """The element that creates an origin."""
    return f'<swh:deposit><swh:create_origin><swh:origin url="{url}"/></swh:create_origin></swh:deposit>'
