"""Bags with features picked at random, and what makes our verdict and that of the reference library differ."""

import hashlib
import random
import tarfile
from collections.abc import Callable
from pathlib import Path

import bagit

from packages import PackageError
from packages.bagit import validate_bag

Files = dict[str, bytes]
BOM = b"\xef\xbb\xbf"

DIFFERENCES: dict[str, str] = {
    "bom in manifest": "2.3: tag files in UTF-8 must not begin with a byte-order mark; the library warns only",
    "comment in manifest": "2.1.3: a line is a checksum and a path; the library passes over '#' lines",
    "broken manifest line": "2.1.3, the same; the library logs an error and goes on",
    "one manifest of two": "3: in version 1.0 every payload file is in every manifest; the library asks for one",
    "tag manifest without manifests": "2.2.1: lists every payload manifest; the library does not look",
    "tag manifest of itself": "2.2.1: lists no tag manifest; the library does not look",
    "three lines": "2.1.1: exactly two lines; the library takes more",
    "lines in disorder": "2.1.1: in this order; the library takes both",
    "blank before colon": "2.2.2: a label ends without blanks; the library strips them",
    "no blank behind colon": "2.2.2: a blank behind the colon; the library needs none",
    "oxum twice": "2.2.2: not more than once; the library fails on it with a TypeError before version 1.0, too",
    "fetch in no manifest": "2.2.3: every file is in every payload manifest; the library looks at the URL only",
    "fetch that is no line": "2.2.3: URL, length, path; the library fails with a ValueError, or takes any length",
    "fetch of a tag file": "2.2.3: lists no tag files; the library does not look",
    "line break in a name": "our packages hold no line breaks in names (package.member.characters)",
    "percent encoded": "2.1.3: a percent sign is encoded in version 1.0; the library knows line breaks only",
    "other normalisation": "6.1.1.2 (advice): two names; the library takes them for one",
    "unknown algorithm": "3: every checksum in every manifest is verified; the library passes over what it cannot",
    "sha-256 spelt with a hyphen": "2.4 takes hyphens out; SWORDBagIt writes them, and we read both",
    "upper-case algorithm": "2.4: lower case; we read both, the library finds no such file",
}
"""Feature -> the paragraph that decides and what the library does instead."""


def digest(data: bytes, algorithm: str = "sha256") -> str:
    """The checksum in hexadecimal digits."""
    return hashlib.new(algorithm, data).hexdigest()


class Draft:
    """A bag in the making: the files, and the lines of its manifests before they are written."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.version = chance.choice(["0.97", "1.0"])
        self.encoding = "UTF-8"
        self.payload = {f"data/{n}/f{n}.txt": chance.randbytes(chance.randrange(40)) for n in range(3)}
        self.payload["data/\u00e9.txt"] = b"accent"
        self.algorithms = chance.choice([["sha256"], ["md5"], ["sha512"], ["sha256", "md5"]])
        self.lines: dict[str, list[str]] = {}
        self.info = ["Source-Organization: Archive"]
        self.has_tag_manifest = chance.random() < 0.6
        self.extra: Files = {}
        self.end = chance.choice(["\n", "\n", "\r\n"])
        self.after: list[Callable[[Files], None]] = []

    def manifests(self) -> None:
        """Write the lines of all payload manifests."""
        for algorithm in self.algorithms:
            lines = [f"{digest(data, algorithm)}  {path}" for path, data in self.payload.items()]
            self.lines[f"manifest-{algorithm}.txt"] = lines

    @property
    def first(self) -> str:
        """The name of the first manifest."""
        return f"manifest-{self.algorithms[0]}.txt"

    def files(self) -> Files:
        """The bag as files."""
        declaration = f"BagIt-Version: {self.version}\nTag-File-Character-Encoding: {self.encoding}\n"
        tags: Files = {"bagit.txt": declaration.encode()}
        for name, lines in self.lines.items():
            tags[name] = "".join(line + self.end for line in lines).encode(self.encoding)
        size = sum(map(len, self.payload.values()))
        info = [*self.info, f"Payload-Oxum: {size}.{len(self.payload)}"]
        tags["bag-info.txt"] = "".join(line + self.end for line in info).encode(self.encoding)
        tags |= self.extra
        files = self.payload | tags
        if self.has_tag_manifest:
            lines = [f"{digest(data)} {name}" for name, data in tags.items()]
            files["tagmanifest-sha256.txt"] = "".join(line + "\n" for line in lines).encode(self.encoding)
        for change in self.after:
            change(files)
        return files


def _late(change: Callable[[Draft, Files], None]) -> Callable[[Draft], None]:
    """A feature that changes the files when all else is written."""
    return lambda draft: draft.after.append(lambda files: change(draft, files))


def _untagged(change: Callable[[Draft], None]) -> Callable[[Draft], None]:
    """A feature of a bag without tag manifests, which would only hold the old bytes against the new ones."""

    def both(draft: Draft) -> None:
        draft.has_tag_manifest = False
        change(draft)

    return both


def _line(change: Callable[[str], str]) -> Callable[[Draft], None]:
    def apply(draft: Draft) -> None:
        for lines in draft.lines.values():
            lines[0] = change(lines[0])

    return apply


def _add(text: str) -> Callable[[Draft], None]:
    return lambda draft: draft.lines[draft.first].append(
        text.replace("SUM", "0" * len(digest(b"", draft.algorithms[0])))
    )


def _fetch(line: str) -> Callable[[Draft], None]:
    return lambda draft: draft.extra.update({"fetch.txt": line.encode()})


def _set(name: str, data: Callable[[bytes], bytes]) -> Callable[[Draft], None]:
    return _untagged(_late(lambda draft, files: files.update({name: data(files.get(name, b""))})))


def _double(draft: Draft) -> None:
    draft.lines[draft.first].append(draft.lines[draft.first][0])


def _one_of_two(draft: Draft) -> None:
    draft.algorithms = ["sha256", "md5"]
    draft.manifests()
    draft.lines["manifest-md5.txt"].pop()


def _renamed(draft: Draft) -> None:
    draft.payload["data/e\u0301.txt"] = draft.payload.pop("data/\u00e9.txt")


def _percent(draft: Draft) -> None:
    draft.payload["data/100%.txt"] = b"x"
    for algorithm in draft.algorithms:
        draft.lines[f"manifest-{algorithm}.txt"].append(f"{digest(b'x', algorithm)}  data/100%25.txt")


def _line_break(draft: Draft) -> None:
    draft.payload["data/a\nb"] = b"x"
    for algorithm in draft.algorithms:
        draft.lines[f"manifest-{algorithm}.txt"].append(f"{digest(b'x', algorithm)}  data/a%0Ab")


def _respelt(name: str) -> Callable[[Draft], None]:
    def apply(draft: Draft) -> None:
        draft.has_tag_manifest = False
        draft.algorithms = ["sha256"]
        draft.lines.clear()
        draft.manifests()
        draft.lines[name] = draft.lines.pop("manifest-sha256.txt")

    return apply


def _tag_manifest_line(line: str) -> Callable[[Draft], None]:
    def apply(draft: Draft) -> None:
        draft.has_tag_manifest = True
        draft.after.append(
            lambda files: files.update(
                {"tagmanifest-sha256.txt": files.get("tagmanifest-sha256.txt", b"") + line.encode()}
            )
        )

    return apply


def _without(names: Callable[[Draft], list[str]]) -> Callable[[Draft], None]:
    def change(draft: Draft, files: Files) -> None:
        for name in names(draft):
            files.pop(name, None)

    return _untagged(_late(change))


def _bare_tag_manifest(draft: Draft) -> None:
    draft.has_tag_manifest = True
    _late(_no_manifests_in_tag_manifest)(draft)


def _no_manifests_in_tag_manifest(draft: Draft, files: Files) -> None:
    files["tagmanifest-sha256.txt"] = f"{digest(files.get('bagit.txt', b''))} bagit.txt\n".encode()


FEATURES: dict[str, Callable[[Draft], None]] = {
    "nothing odd": lambda draft: None,
    "star": _line(lambda line: line.replace("  ", " *")),
    "dot": _line(lambda line: line.replace("data/", "./data/")),
    "tab": _line(lambda line: line.replace("  ", "\t")),
    "capital digits": _line(lambda line: line.split("  ")[0].upper() + "  " + line.split("  ")[1]),
    "blank line": _add(""),
    "UTF-16": lambda draft: setattr(draft, "encoding", "UTF-16"),
    "ISO-8859-1": lambda draft: setattr(draft, "encoding", "ISO-8859-1"),
    "unknown encoding": _set("bagit.txt", lambda data: data.replace(b"UTF-8", b"KLINGON-1")),
    "unknown version": _set("bagit.txt", lambda data: data.replace(b"1.0", b"2.0").replace(b"0.97", b"2.0")),
    "bom in bagit.txt": _set("bagit.txt", lambda data: BOM + data),
    "bom in manifest": _untagged(
        _late(lambda draft, files: files.update({draft.first: BOM + files.get(draft.first, b"")}))
    ),
    "three lines": _set("bagit.txt", lambda data: data + b"More: of it\n"),
    "lines in disorder": _set("bagit.txt", lambda data: b"\n".join(data.split(b"\n")[1::-1])),
    "comment in manifest": _add("# comment"),
    "broken manifest line": _add("nonsense"),
    "short checksum": _add("abcd  data/0/f0.txt"),
    "missing file": _add("SUM  data/gone"),
    "path that climbs": _add("SUM  ../../etc/passwd"),
    "absolute path": _add("SUM  /etc/passwd"),
    "tag file in manifest": _add("SUM  bag-info.txt"),
    "unlisted file": _late(lambda draft, files: files.update({"data/extra": b"x"})),
    "wrong checksum": _line(lambda line: ("1" if line[0] == "0" else "0") + line[1:]),
    "file twice": _double,
    "one manifest of two": _one_of_two,
    "unknown algorithm": _late(
        lambda draft, files: files.update({"manifest-crc32.txt": b"00000000  data/x\n"})
    ),
    "no manifest": _without(lambda draft: list(draft.lines)),
    "no bagit.txt": _without(lambda draft: ["bagit.txt"]),
    "blank before colon": lambda draft: draft.info.append("Contact-Name : X"),
    "no blank behind colon": lambda draft: draft.info.append("Contact-Name:X"),
    "continued value": lambda draft: draft.info.extend(["Contact-Name: X", "   and Y"]),
    "wrong oxum": _set("bag-info.txt", lambda data: b"Payload-Oxum: 1.1\n"),
    "oxum twice": lambda draft: draft.info.append("Payload-Oxum: 1.1"),
    "oxum of words": _set("bag-info.txt", lambda data: b"Payload-Oxum: all of it\n"),
    "fetch of what is there": _fetch("https://example.org/f 3 data/0/f0.txt\n"),
    "fetch in no manifest": _fetch("https://example.org/f - data/gone\n"),
    "fetch that is no line": _fetch("https://example.org/f many data/0/f0.txt\n"),
    "fetch without scheme": _fetch("f0.txt 3 data/0/f0.txt\n"),
    "fetch of a tag file": _fetch("https://example.org/f 3 bag-info.txt\n"),
    "fetch that climbs": _fetch("https://example.org/f 3 ../../etc/passwd\n"),
    "percent encoded": _percent,
    "line break in a name": _line_break,
    "other normalisation": _renamed,
    "missing tag file": _tag_manifest_line("0" * 64 + "  gone.txt\n"),
    "payload in tag manifest": _tag_manifest_line("0" * 64 + "  data/0/f0.txt\n"),
    "tag manifest of itself": _tag_manifest_line("0" * 64 + "  tagmanifest-sha256.txt\n"),
    "tag manifest without manifests": _bare_tag_manifest,
    "changed tag file": _late(lambda draft, files: files.update({"bag-info.txt": b"Contact-Name: Y\n"})),
    "sha-256 spelt with a hyphen": _respelt("manifest-sha-256.txt"),
    "upper-case algorithm": _respelt("manifest-SHA256.txt"),
}


def generated(seed: int) -> tuple[list[str], Files]:
    """A bag and its features: every feature comes alone, then two together."""
    chance = random.Random(seed)
    names = list(FEATURES)
    picked = [names[seed % len(names)]]
    if seed >= len(names):
        picked.append(chance.choice(names))
    draft = Draft(chance)
    draft.manifests()
    for name in dict.fromkeys(picked):
        FEATURES[name](draft)
    return picked, draft.files()


def ours(path: Path) -> bool:
    """Whether our reader takes the bag, packed as tar."""
    with tarfile.open(path, "w") as archive:
        for folder in path.parent.iterdir():
            if folder.is_dir():
                archive.add(folder, folder.name)
    try:
        return not validate_bag(path)
    except PackageError:
        return False


def theirs(folder: Path) -> bool:
    """Whether the reference library takes the folder; how it fails does not matter."""
    try:
        return bool(bagit.Bag(str(folder)).validate())
    except (bagit.BagError, ValueError, TypeError, AttributeError, UnicodeError, OSError):
        return False


def write(folder: Path, files: Files) -> None:
    """The bag on disk."""
    for name, data in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
