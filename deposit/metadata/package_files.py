"""Where packages say what they are: which of their files describe them, and what these say together. Pure."""

from collections.abc import Collection, Mapping

from client.description.files import READERS, Description, combined, kind_of

# READMEs have many endings; which of them are read, `kind_of` says.
_AT_ROOT = (
    *(name for name in READERS if name != "README"),
    "citation.cff",
    "CodeMeta.json",
    "README*",
    "readme*",
    "Readme*",
    "ReadMe*",
)
# At the root, in the single folder that holds everything, and in the payload of a bag (RFC 8493, section 2.1.2).
WANTED = tuple(f"{folder}{name}" for folder in ("", "*/", "data/", "*/data/") for name in _AT_ROOT)


def described_by(contents: Mapping[bytes, bytes], tops: Collection[bytes]) -> Description:
    """What the files at the root say together.

    ``contents``: files that match `WANTED`, by path; ``tops``: the names at the top, of which one may hold all others.
    """
    top = next(iter(tops)) + b"/" if len(tops) == 1 else b""
    for root in (b"", top, b"data/", top + b"data/"):
        files = [
            (name, content)
            for path, content in contents.items()
            if path.startswith(root) and kind_of(name := path[len(root) :].decode("latin-1"))
        ]
        if files:
            return combined(files)
    return Description(node={}, sources={})
