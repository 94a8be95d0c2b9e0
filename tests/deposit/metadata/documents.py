"""Documents for the tests, built from parts. Only the standard library, so that other programs can read them too."""

ATOM = "http://www.w3.org/2005/Atom"
CODEMETA_2 = "https://doi.org/10.5063/SCHEMA/CODEMETA-2.0"
CODEMETA_3 = "https://w3id.org/codemeta/3.0"

TITLE = "<title>A program</title>"
AUTHOR = "<author><name>Ada</name></author>"
PROVENANCE = "<swh:metadata-provenance><schema:url>https://provider.example/about</schema:url></swh:metadata-provenance>"


def entry(*lines: str, codemeta: str = CODEMETA_2, root: str = "entry") -> bytes:
    """An Atom entry with each of ``lines`` on a line of its own; the first is line 2 of the document."""
    opening = (
        f'<{root} xmlns="{ATOM}" xmlns:codemeta="{codemeta}" xmlns:schema="http://schema.org/" '
        'xmlns:dcterms="http://purl.org/dc/terms/" '
        'xmlns:swh="https://www.softwareheritage.org/schema/2018/deposit">'
    )
    return "\n".join([opening, *lines, f"</{root}>"]).encode()


def whole(*lines: str, codemeta: str = CODEMETA_2, deposit: str = "") -> bytes:
    """An entry that breaks no rule, with ``lines`` from line 5 and ``deposit`` inside its swh:deposit (line 4)."""
    return entry(
        TITLE, AUTHOR, f"<swh:deposit>{PROVENANCE}{deposit}</swh:deposit>", *lines, codemeta=codemeta
    )


def origin(intent: str, attributes: str = 'url="https://provider.example/software"') -> str:
    """``swh:create_origin``, ``swh:add_to_origin`` or ``swh:reference`` with an origin."""
    return f"<swh:{intent}><swh:origin {attributes}/></swh:{intent}>"


def referenced(swhid: str) -> str:
    """``swh:reference`` with an object."""
    return f'<swh:reference><swh:object swhid="{swhid}"/></swh:reference>'


def person(element: str = "author", inside: str = "<codemeta:name>Ada</codemeta:name>") -> str:
    """A CodeMeta person or organization."""
    return f"<codemeta:{element}>{inside}</codemeta:{element}>"
