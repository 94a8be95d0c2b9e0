"""A dissemination that was downloaded, compared with what its METS says of it: no checksum of the whole is offered."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from lxml import etree

from deposit.metadata.errors import MetadataError
from deposit.metadata.xml import parse_as_sent
from loader.destinations.preservation_service.namespaces import METS, PREMIS, XLINK
from packages import Kind, PackageError, open_package

_MAX_METS = 2 * 1024**3
_ALGORITHMS = {"MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512"}


@dataclass(kw_only=True)
class Verified:
    """Files whose digests are right; what is wrong, in words."""

    files: int = 0
    faults: list[str] = field(default_factory=list)


def verify(dip: Path) -> Verified:
    """Compare every file that METS names with its digest. Raises OSError."""
    result = Verified()
    try:
        told, prefix = _read_mets(dip)
        seen = _compare(dip, told, prefix, result)
    except (PackageError, MetadataError) as error:
        result.faults.append(f"The package cannot be read: {error}")
        return result
    result.faults += [f"{path} is missing." for path in sorted(set(told) - seen)]
    if not told:
        result.faults.append("There is no mets.xml, or it names no files.")
    return result


def _read_mets(dip: Path) -> tuple[dict[str, tuple[str, str]], str]:
    """Algorithm and digest of each file, and the folder that mets.xml is in."""
    with open_package(dip) as package:
        for member in package:
            path = member.path.decode("utf-8", "replace")
            if member.kind is Kind.FILE and path.rpartition("/")[2] == "mets.xml":
                root = parse_as_sent(member.read(), max_size=_MAX_METS)
                return _digests(root), path.removesuffix("mets.xml")
    return {}, ""


def _digests(root: etree._Element) -> dict[str, tuple[str, str]]:
    fixity: dict[str, tuple[str, str]] = {}
    for section in root.iter(f"{{{METS}}}techMD"):
        algorithm = section.find(f".//{{{PREMIS}}}messageDigestAlgorithm")
        digest = section.find(f".//{{{PREMIS}}}messageDigest")
        if algorithm is not None and digest is not None:
            fixity[str(section.get("ID"))] = (str(algorithm.text), str(digest.text))
    found: dict[str, tuple[str, str]] = {}
    for file in root.iter(f"{{{METS}}}file"):
        location = file.find(f"{{{METS}}}FLocat")
        if location is None:
            continue
        path = unquote(str(location.get(f"{{{XLINK}}}href"))).removeprefix("file://").removeprefix("./")
        for linked in str(file.get("ADMID")).split():
            if linked in fixity:
                found[path] = fixity[linked]
    return found


def _compare(dip: Path, told: dict[str, tuple[str, str]], prefix: str, result: Verified) -> set[str]:
    seen = set()
    with open_package(dip) as package:
        for member in package:
            path = member.path.decode("utf-8", "replace").removeprefix(prefix)
            if member.kind is not Kind.FILE or path not in told:
                continue
            seen.add(path)
            algorithm, wanted = told[path]
            name = algorithm.upper().replace("-", "")
            if name not in _ALGORITHMS:
                result.faults.append(f"{path} has a digest of an unknown kind: {algorithm}.")
                continue
            digest = hashlib.new(name.lower(), usedforsecurity=False)
            for chunk in member.chunks():
                digest.update(chunk)
            if digest.hexdigest() == wanted.lower():
                result.files += 1
            else:
                result.faults.append(f"{path} differs from its digest.")
    return seen
