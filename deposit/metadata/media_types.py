"""Under which media types a package may come.

The bytes of a package say what it is, and the checks read them; a client's Content-Type is often what its operating
system had at hand. So every type under which an archive of any kind is sent is taken, and only what cannot mean an
archive is refused at once.
"""

# The two that swh-deposit announces, then what else is readable, under the names that are in use.
ANNOUNCED_TYPES = (
    "application/zip",
    "application/x-tar",
    "application/gzip",
    "application/x-bzip2",
    "application/x-xz",
    "application/zstd",
    "application/octet-stream",
)
_OTHER_NAMES = """
    application/bzip2 application/java-archive application/lzma application/tar application/tar+gzip
    application/tgz application/x-archive application/x-bzip application/x-bzip-compressed-tar
    application/x-bzip2-compressed-tar application/x-compress application/x-compress-tar application/x-compressed
    application/x-compressed-tar application/x-gtar application/x-gtar-compressed application/x-gunzip
    application/x-gzip application/x-gzip-compressed application/x-java-archive application/x-lzip
    application/x-lzip-compressed-tar application/x-lzma application/x-lzma-compressed-tar application/x-tarz
    application/x-tgz application/x-tzst application/x-xz-compressed-tar application/x-zip
    application/x-zip-compressed application/x-zstd application/x-zstd-compressed-tar application/xz
    application/zip-compressed application/zlib multipart/x-gzip multipart/x-tar multipart/x-zip
"""
# Archives that are not read here: the checks call them by name and say what to do, which a 415 could not.
_NOT_READ = """
    application/vnd.rar application/x-7z-compressed application/x-ace-compressed application/x-arj
    application/x-cpio application/x-iso9660-image application/x-lha application/x-lzh application/x-rar
    application/x-rar-compressed application/x-stuffit
"""
# What programs write that do not know the type.
_UNKNOWN = """
    application/binary application/download application/force-download application/unknown
    application/x-binary application/x-download application/x-octet-stream binary/octet-stream
"""
PACKAGE_TYPES = frozenset([*ANNOUNCED_TYPES, *(_OTHER_NAMES + _NOT_READ + _UNKNOWN).split()])
_SUFFIXES = ("+zip", "+gzip", "+zstd")


def may_be_package(media_type: str) -> bool:
    """Whether a body of this lower-case type, without parameters, may be an archive (RFC 6838 for the suffixes)."""
    return media_type in PACKAGE_TYPES or media_type.endswith(_SUFFIXES)
