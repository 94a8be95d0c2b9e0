"""Bags are held against a BagIt profile, and what is no profile is told."""

from pathlib import Path
from typing import Any

import pytest

from packages.bag_profiles import ProfileError, check_document
from packages.bagit import validate_bag
from packages.limits import Limits
from packages.sandbox import validate
from tests.packages.test_bagit import good_bag, pack

NAME = "https://example.org/profile.json"
INFO: dict[str, Any] = {
    "BagIt-Profile-Info": {"BagIt-Profile-Identifier": NAME, "BagIt-Profile-Version": "1.4.0"}
}


def told(tmp_path: Path, profile: dict[str, Any], **files: bytes) -> list[str]:
    """What the profile does not take of the good bag, by the keys of the profile."""
    bag = good_bag()
    del bag["tagmanifest-sha256.txt"]
    bag["bag-info.txt"] += f"BagIt-Profile-Identifier: {NAME}\n".encode()
    bag |= {name.replace("__", "."): data for name, data in files.items()}
    problems = validate_bag(pack(tmp_path, bag), profile=INFO | profile)
    assert {problem.code for problem in problems} <= {"bagit.profile"}
    return [problem.message.partition("(")[2].partition(")")[0] for problem in problems]


TAKEN: list[dict[str, Any]] = [
    {},
    {"Bag-Info": {"Source-Organization": {"required": True, "values": ["Archive"], "repeatable": False}}},
    {"Manifests-Required": ["sha256"], "Manifests-Allowed": ["sha256", "sha512"]},
    {"Manifests-Required": ["SHA-256"]},
    {"Accept-BagIt-Version": ["0.97", "1.0"], "Serialization": "required"},
    {"Accept-Serialization": ["application/x-tar"]},
    {"Allow-Fetch.txt": False},
    {"Tag-Files-Allowed": []},
    {"Payload-Files-Required": ["data/a.txt"], "Payload-Files-Allowed": ["data/*"]},
]
NOT_TAKEN: list[tuple[str, dict[str, Any]]] = [
    ("Bag-Info", {"Bag-Info": {"Contact-Name": {"required": True}}}),
    ("Bag-Info", {"Bag-Info": {"Source-Organization": {"values": ["Library"]}}}),
    ("Manifests-Required", {"Manifests-Required": ["sha512"]}),
    ("Manifests-Allowed", {"Manifests-Allowed": ["sha512"]}),
    ("Tag-Manifests-Required", {"Tag-Manifests-Required": ["sha256"]}),
    ("Accept-BagIt-Version", {"Accept-BagIt-Version": ["0.97"]}),
    ("Accept-Serialization", {"Accept-Serialization": ["application/zip"]}),
    ("Fetch.txt-Required", {"Fetch.txt-Required": True}),
    ("Tag-Files-Required", {"Tag-Files-Required": ["DC/dc.xml"]}),
    ("Payload-Files-Required", {"Payload-Files-Required": ["data/b.txt"]}),
    ("Payload-Files-Allowed", {"Payload-Files-Allowed": ["data/*.txt"]}),
    ("Data-Empty", {"Data-Empty": True}),
]


@pytest.mark.parametrize("profile", TAKEN, ids=str)
def test_a_bag_of_the_profile_is_taken(tmp_path: Path, profile: dict[str, Any]) -> None:
    assert told(tmp_path, profile) == []


@pytest.mark.parametrize(("key", "profile"), NOT_TAKEN, ids=str)
def test_what_the_profile_asks_for_is_told(tmp_path: Path, key: str, profile: dict[str, Any]) -> None:
    assert told(tmp_path, profile) == [key]


def test_labels_are_repeated_only_where_they_may_be(tmp_path: Path) -> None:
    info = b"Contact-Name: A\nContact-Name: B\nBagIt-Profile-Identifier: %b\n" % NAME.encode()
    rule = {"Bag-Info": {"Contact-Name": {"repeatable": False}}}
    assert told(tmp_path, rule, **{"bag-info__txt": info}) == ["Bag-Info"]


def test_a_fetch_file_and_other_tag_files_may_be_forbidden(tmp_path: Path) -> None:
    fetch = {"fetch__txt": b"https://example.org/a 2 data/a.txt\n", "notes__md": b"x"}
    profile = {"Allow-Fetch.txt": False, "Tag-Files-Allowed": ["DC/*"]}
    assert told(tmp_path, profile, **fetch) == ["Allow-Fetch.txt", "Tag-Files-Allowed"]


def test_a_bag_has_to_name_the_profile(tmp_path: Path) -> None:
    problems = validate_bag(pack(tmp_path, good_bag()), profile=INFO)
    assert [(problem.code, NAME in problem.message) for problem in problems] == [("bagit.profile", True)]


def test_the_confined_reader_asks_for_it_too(tmp_path: Path) -> None:
    proof = validate(pack(tmp_path, good_bag()), Limits(), bag=True, bag_profile=INFO, alive=lambda: None)
    assert [problem.code for problem in proof.problems] == ["bagit.profile"]


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"BagIt-Profile-Info": {}},
        INFO | {"Manifests-Required": "md5"},
        INFO | {"Allow-Fetch.txt": "no"},
        INFO | {"Serialization": "maybe"},
        INFO | {"Bag-Info": {"Contact-Name": True}},
        INFO | {"Bag-Info": {"Contact-Name": {"required": "yes"}}},
    ],
    ids=str,
)
def test_what_is_no_profile_is_refused(document: object) -> None:
    with pytest.raises(ProfileError, match=r"\.$"):
        check_document(document)
