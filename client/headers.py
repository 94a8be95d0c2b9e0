"""What a request says of a package, and the names of packagings (SWORD 2 sections 6 and 7)."""

import base64
from urllib.parse import quote

from client.packing import Package

ENTRY = "application/atom+xml;type=entry"
PACKAGINGS = {
    name.lower(): f"http://purl.org/net/sword/package/{name}" for name in ("SimpleZip", "Binary", "BagIt")
}
SIMPLE_ZIP = PACKAGINGS["simplezip"]


def package_headers(package: Package) -> dict[str, str]:
    """The headers of a package: what it is, how long, and its digests, so that a damaged one is refused."""
    name = package.name
    if name.isascii() and not set(name) & set('"\\') and name.isprintable():
        disposition = f'attachment; filename="{name}"'
    else:
        disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    digest = base64.b64encode(bytes.fromhex(package.sha256)).decode()
    return {
        "Content-Type": package.media_type,
        "Content-Length": str(package.size),
        "Content-Disposition": disposition,
        "Content-MD5": package.md5,
        "Digest": f"SHA-256={digest}",
        "Packaging": SIMPLE_ZIP,
        "In-Progress": "true",
    }
