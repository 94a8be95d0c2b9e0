"""BagIt Profiles 1.4: what a collection demands of a bag beyond RFC 8493, as the JSON that archives publish."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from packages.bag_tags import Report

Profile = Mapping[str, Any]
_LISTS = (
    *("Manifests-Required", "Manifests-Allowed", "Tag-Manifests-Required", "Tag-Manifests-Allowed"),
    *("Accept-BagIt-Version", "Accept-Serialization", "Tag-Files-Required", "Tag-Files-Allowed"),
    *("Payload-Files-Required", "Payload-Files-Allowed"),
)
_FLAGS = ("Allow-Fetch.txt", "Fetch.txt-Required", "Data-Empty")
_IDENTIFIER = "BagIt-Profile-Identifier"
_MEDIA_TYPES = {
    "zip": {"application/zip", "application/x-zip-compressed"},
    "tar": {"application/tar", "application/x-tar"},
    "tar.gz": {"application/gzip", "application/x-gzip", "application/tar+gzip", "application/x-gtar"},
    "tar.bz2": {"application/bzip2", "application/x-bzip2", "application/x-bzip"},
    "tar.xz": {"application/x-xz", "application/xz"},
    "tar.zst": {"application/zstd"},
    "tar.lz": {"application/lzip", "application/x-lzip"},
    "tar.lzma": {"application/x-lzma"},
}
_ALWAYS_ALLOWED = ("bagit.txt", "bag-info.txt", "fetch.txt", "manifest-*.txt", "tagmanifest-*.txt")


class ProfileError(ValueError):
    """A document that is no BagIt profile, worded for the operator who gave it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bag:
    """What a profile looks at. Paths are below the bag; labels of ``info`` in lower case; sizes in bytes."""

    version: str
    form: str
    info: Mapping[str, list[str]]
    manifests: frozenset[str]
    tag_manifests: frozenset[str]
    has_fetch: bool
    sizes: Mapping[str, int]


def check_document(document: object) -> None:
    """Raise `ProfileError` for what is no BagIt profile."""
    if not isinstance(document, dict):
        raise ProfileError("A BagIt profile is a JSON object.")
    header = document.get("BagIt-Profile-Info")
    if not isinstance(header, dict) or not isinstance(header.get(_IDENTIFIER), str):
        raise ProfileError(f"A BagIt profile has BagIt-Profile-Info with a {_IDENTIFIER}.")
    for key in _LISTS:
        if not _are_texts(document.get(key, [])):
            raise ProfileError(f"{key} is a list of texts.")
    for key in _FLAGS:
        if not isinstance(document.get(key, False), bool):
            raise ProfileError(f"{key} is true or false.")
    if document.get("Serialization", "optional") not in ("forbidden", "required", "optional"):
        raise ProfileError("Serialization is forbidden, required or optional.")
    fields = document.get("Bag-Info", {})
    if not isinstance(fields, dict) or not all(_is_field(rule) for rule in fields.values()):
        raise ProfileError(
            "Bag-Info says of each label whether it is required and repeatable, and its values."
        )


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_field(rule: object) -> bool:
    return (
        isinstance(rule, dict)
        and isinstance(rule.get("required", False), bool)
        and isinstance(rule.get("repeatable", True), bool)
        and _are_texts(rule.get("values", []))
    )


def judge(bag: Bag, profile: Profile, report: Report) -> None:
    """Tell what in the bag the profile does not take."""
    _judge_info(bag, profile, report)
    _judge_form(bag, profile, report)
    _judge_algorithms(bag.manifests, "Manifests", "manifest", profile, report)
    _judge_algorithms(bag.tag_manifests, "Tag-Manifests", "tagmanifest", profile, report)
    tags = [path for path in bag.sizes if not path.startswith("data/")]
    payload = [path for path in bag.sizes if path.startswith("data/")]
    _judge_files(tags, "Tag-Files", profile, report, _ALWAYS_ALLOWED)
    _judge_files(payload, "Payload-Files", profile, report, ())
    if profile.get("Data-Empty") and (len(payload) > 1 or any(bag.sizes[path] for path in payload)):
        _report(report, "data/", "Data-Empty", "the payload is empty, or one file of no bytes")


def _report(report: Report, subject: str, key: str, what: str) -> None:
    report.tell("bagit.profile", subject, f"The profile of this collection asks ({key}): {what}.")


def _judge_info(bag: Bag, profile: Profile, report: Report) -> None:
    identifier = profile["BagIt-Profile-Info"][_IDENTIFIER]
    if identifier not in bag.info.get(_IDENTIFIER.lower(), []):
        _report(report, "bag-info.txt", _IDENTIFIER, f"a line '{_IDENTIFIER}: {identifier}'")
    for label, rule in profile.get("Bag-Info", {}).items():
        values = bag.info.get(label.lower(), [])
        if rule.get("required") and not any(values):
            _report(report, "bag-info.txt", "Bag-Info", f"{label} is required")
        if len(values) > 1 and not rule.get("repeatable", True):
            _report(report, "bag-info.txt", "Bag-Info", f"{label} is there once")
        allowed = rule.get("values", [])
        if allowed and any(value not in allowed for value in values):
            _report(report, "bag-info.txt", "Bag-Info", f"{label} is one of {', '.join(allowed)[:200]}")


def _judge_form(bag: Bag, profile: Profile, report: Report) -> None:
    versions = profile.get("Accept-BagIt-Version", [])
    if versions and bag.version not in versions:
        _report(report, "bagit.txt", "Accept-BagIt-Version", f"BagIt version {' or '.join(versions)}")
    accepted = profile.get("Accept-Serialization", [])
    if accepted and _MEDIA_TYPES.get(bag.form, set()).isdisjoint(accepted):
        _report(report, "", "Accept-Serialization", f"a package of type {' or '.join(accepted)}")
    if bag.has_fetch and not profile.get("Allow-Fetch.txt", True):
        _report(report, "fetch.txt", "Allow-Fetch.txt", "no fetch.txt")
    if not bag.has_fetch and profile.get("Fetch.txt-Required"):
        _report(report, "fetch.txt", "Fetch.txt-Required", "a fetch.txt")


def _judge_algorithms(found: Iterable[str], key: str, name: str, profile: Profile, report: Report) -> None:
    found = set(found)
    for algorithm in profile.get(f"{key}-Required", []):
        if _plain(algorithm) not in found:
            _report(report, f"{name}-{_plain(algorithm)}.txt", f"{key}-Required", f"a {name} of {algorithm}")
    allowed = profile.get(f"{key}-Allowed")
    for algorithm in sorted(found - {_plain(each) for each in allowed or found}):
        _report(report, f"{name}-{algorithm}.txt", f"{key}-Allowed", f"one of {', '.join(allowed or [])}")


def _plain(algorithm: str) -> str:
    return algorithm.lower().replace("-", "")


def _judge_files(
    paths: list[str], key: str, profile: Profile, report: Report, always: tuple[str, ...]
) -> None:
    there = set(paths)
    for path in profile.get(f"{key}-Required", []):
        if path not in there:
            _report(report, path, f"{key}-Required", "this file")
    allowed = profile.get(f"{key}-Allowed")
    if allowed is None:
        return
    for path in paths:
        if not any(fnmatchcase(path, pattern) for pattern in (*allowed, *always)):
            _report(report, path, f"{key}-Allowed", f"only files like {', '.join(allowed)[:200]}")
