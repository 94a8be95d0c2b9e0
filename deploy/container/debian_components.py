"""``debian_components.py SBOM STATUS``: the SBOM with the Debian packages of a root added, as CycloneDX JSON.

SBOM is CycloneDX JSON; STATUS is that root's ``/var/lib/dpkg/status``. Packages are named by package URL
(https://github.com/package-url/purl-spec, type ``deb``). Runs in the build of the image, with the standard library.
"""

import json
import sys
from email.parser import HeaderParser
from pathlib import Path
from urllib.parse import quote


def components(status: str) -> list[dict[str, str]]:
    """The installed packages of a dpkg status file, by name."""
    found = {}
    for paragraph in status.split("\n\n"):
        fields = HeaderParser().parsestr(paragraph)
        if fields.get("Status", "").split()[-1:] != ["installed"]:
            continue
        name, version, architecture = fields["Package"], fields["Version"], fields["Architecture"]
        url = f"pkg:deb/debian/{quote(name)}@{quote(version, safe='')}?arch={architecture}"
        found[url] = {"type": "library", "bom-ref": url, "name": name, "version": version, "purl": url}
    return [found[url] for url in sorted(found)]


def main(sbom: str, status: str) -> None:
    """Write the whole to standard output."""
    document = json.loads(Path(sbom).read_text())
    document["components"] = [*document.get("components", []), *components(Path(status).read_text())]
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
