"""Rules on the whole code base that no import contract can express."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOT_OURS = {"tests", "docs", "data", "debian", "node_modules"}
SOURCES = sorted(
    path.relative_to(ROOT)
    for path in ROOT.rglob("*.py")
    if not any(part in NOT_OURS or part.startswith(".") for part in path.relative_to(ROOT).parts)
)

# What reads XML. lxml.etree itself may be imported anywhere, to build and to walk.
XML_READERS = {
    "xml",
    "lxml.html",
    "lxml.objectify",
    "lxml.sax",
    "lxml.ElementInclude",
    "defusedxml",
    "xmlschema",
    "bs4",
    *(
        f"lxml.etree.{name}"
        for name in (
            "ETCompatXMLParser",
            "HTML",
            "HTMLParser",
            "HTMLPullParser",
            "RelaxNG",
            "Schematron",
            "XInclude",
            "XML",
            "XMLDTDID",
            "XMLID",
            "XMLParser",
            "XMLPullParser",
            "XMLSchema",
            "XSLT",
            "fromstring",
            "fromstringlist",
            "iterparse",
            "parse",
            "set_default_parser",
        )
    ),
}
# The client stands alone, on the standard library: it reads the answers of its own server, and writes entries.
XML_ROOM = {
    Path("deposit/metadata/xml.py"),
    Path("client/depositing.py"),
    Path("client/documents.py"),
    Path("client/merging.py"),  # builds; parses by client/documents.py
    Path("client/codemeta_elements.py"),
    Path("client/metadata.py"),
    Path("client/transfer_package/archivematica.py"),  # expat, which stops at a document type declaration
}

PACKAGE_READERS = {
    "tarfile",
    "zipfile",
    "shutil.unpack_archive",
    "zipimport",
    "libarchive",
    "patoolib",
    "py7zr",
    "pyunpack",
    "rarfile",
}

# All but the first write packages and read none, unless it says so.
PACKAGE_ROOM = {
    Path("packages"),
    Path("client/packing.py"),
    Path("client/recognition.py"),
    Path("client/trees.py"),  # what its user has on the own computer
    Path("client/git.py"),
    Path("client/transfer_package/building.py"),
    Path("sources/folders/packing.py"),
    Path("client/transfer_package/reading.py"),  # reads what its user has on the own computer
    Path("deposit/monitoring/round_trip.py"),
    Path("embedded/demo.py"),
    Path("loader/destinations/preservation_service/building.py"),
    Path("sources/museumplus/workflow/depositing.py"),
}

# What connects to somewhere. An address that a client sent is connected to by the first alone, which judges it; all
# others go where the operator's settings or command line say.
CONNECTORS = {
    "boto3",
    "botocore.httpsession",
    "ftplib",
    "http.client.HTTPConnection",
    "http.client.HTTPSConnection",
    "httpx",
    "keycloak.KeycloakOpenID",
    "requests",
    "smtplib.SMTP",
    "smtplib.SMTP_SSL",
    "socket.create_connection",
    "urllib.request",
    "urllib3",
}
CONNECTING = {
    Path("deposit/intake/download.py"),
    Path("deposit/notices/posting.py"),  # a webhook of a user, judged by the same rules
    Path("deposit/notices/mail.py"),  # EMAIL_URL, by Django's backend
    Path("archive/storage/s3.py"),  # ARCHIVE_STORAGE
    Path("deposit/staging/bucket/client.py"),  # STAGING_STORAGE
    Path("deposit/authentication/keycloak_client.py"),  # KEYCLOAK_SERVER_URL
    Path("deposit/authentication/openid.py"),  # OIDC_ISSUER
    Path("deposit/operations/swh_deposit/uploads.py"),  # what an operator names with swh_deposit_import
    Path("deposit/monitoring/nagios.py"),  # the certificate of our own address
    Path("loader/destinations/deposit_forward/sword.py"),  # FORWARD_TO
    Path("loader/destinations/export/places.py"),  # EXPORT_TO
    Path("loader/destinations/software_heritage/rpc.py"),  # SOFTWARE_HERITAGE_STORAGE_URL
    Path("loader/destinations/preservation_service/rest.py"),  # DPRES_API_URL
    Path("loader/destinations/archivematica/http.py"),  # of a pipeline, which administrators add
    Path("sources/museumplus/harvest/client.py"),  # MUSEUMPLUS_URL
    Path("embedded"),  # this machine, and packages for it
    Path("sources/tasks.py"),  # SOURCE_REPORT_WEBHOOK
    Path("sources/buckets"),  # what an operator names with `source add`
    Path("client"),  # the server that its user names
}


def names_used(source: str) -> Iterator[str]:
    """The full dotted names that a module imports or reaches through what it imported."""
    tree = ast.parse(source)
    bound: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
                bound[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield f"{node.module}.{alias.name}"
                bound[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield from _reached(node, bound)


def _reached(node: ast.Attribute, bound: dict[str, str]) -> Iterator[str]:
    path, value = [node.attr], node.value
    while isinstance(value, ast.Attribute):
        path.append(value.attr)
        value = value.value
    if isinstance(value, ast.Name) and value.id in bound:
        yield ".".join([bound[value.id], *reversed(path)])


def forbidden_names(source: str, forbidden: set[str]) -> list[str]:
    """Those used names that are forbidden, or lie inside a forbidden module."""
    return sorted(
        {name for name in names_used(source) if any(f"{name}.".startswith(f"{word}.") for word in forbidden)}
    )


def _offenders(forbidden: set[str], allowed: set[Path]) -> dict[str, list[str]]:
    found = {
        str(path): forbidden_names((ROOT / path).read_text(encoding="utf-8"), forbidden)
        for path in SOURCES
        if not any(path.is_relative_to(place) for place in allowed)
    }
    return {path: names for path, names in found.items() if names}


def test_the_sources_are_found() -> None:
    assert Path("deposit/metadata/xml.py") in SOURCES
    assert len(SOURCES) > 50


def test_xml_is_parsed_in_one_place_only() -> None:
    assert _offenders(XML_READERS, XML_ROOM) == {}


def test_nothing_but_what_judges_addresses_connects_to_one_that_a_client_sent() -> None:
    assert _offenders(CONNECTORS, CONNECTING) == {}


def test_packages_are_opened_in_their_room_only() -> None:
    assert _offenders(PACKAGE_READERS, PACKAGE_ROOM) == {}


def _module(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imported_modules(sources: dict[str, str]) -> dict[str, set[str]]:
    """Which of these modules (name to source) imports which others of them, inside of functions too."""
    found: dict[str, set[str]] = {}
    for module, source in sources.items():
        used: set[str] = set()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                used |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = {f"{node.module}.{alias.name}" for alias in node.names}
                used |= {name if name in sources else node.module for name in names}
        found[module] = (used & sources.keys()) - {module}
    return found


def circle(sources: dict[str, str]) -> list[str]:
    """A circle of modules that import each other; empty when there is none."""
    try:
        TopologicalSorter(imported_modules(sources)).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_files_import_each_other_in_a_circle() -> None:
    assert circle({_module(path): (ROOT / path).read_text(encoding="utf-8") for path in SOURCES}) == []


def test_a_circle_is_noticed_wherever_its_imports_stand() -> None:
    late = "def run():\n    from room import first"
    assert sorted(set(circle({"room.first": "import room.second", "room.second": late}))) == [
        "room.first",
        "room.second",
    ]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("from lxml import etree\netree.fromstring(data)", "lxml.etree.fromstring"),
        ("from lxml import etree as e\nroot = e.parse(path).getroot()", "lxml.etree.parse"),
        ("import lxml.etree\nlxml.etree.XMLParser()", "lxml.etree.XMLParser"),
        ("from lxml.etree import XML", "lxml.etree.XML"),
        ("from xml.etree import ElementTree", "xml.etree.ElementTree"),
        ("import xml.dom.minidom", "xml.dom.minidom"),
        ("def read():\n    from lxml import objectify", "lxml.objectify"),
    ],
)
def test_the_ways_to_parse_xml_are_noticed(source: str, name: str) -> None:
    assert forbidden_names(source, XML_READERS) == [name]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import tarfile", "tarfile"),
        ("from zipfile import ZipFile", "zipfile.ZipFile"),
        ("import shutil\nshutil.unpack_archive(a, b)", "shutil.unpack_archive"),
    ],
)
def test_the_ways_to_open_packages_are_noticed(source: str, name: str) -> None:
    assert forbidden_names(source, PACKAGE_READERS) == [name]


@pytest.mark.parametrize(
    "source",
    [
        "from lxml import etree\netree.SubElement(etree.Element('a'), 'b')\netree.tostring(root)",
        "from deposit.metadata.xml import parse\nparse(data)",
        "import shutil\nshutil.disk_usage('/')",
        "import xmlrpcish",
    ],
)
def test_building_xml_and_asking_the_one_place_are_fine(source: str) -> None:
    assert forbidden_names(source, XML_READERS | PACKAGE_READERS) == []
