"""The vocabularies of descriptions: CodeMeta's terms, what they hold, and IRIs by their short names.

Sources: the contexts of CodeMeta 2.0 (https://doi.org/10.5063/schema/codemeta-2.0) and 3.0
(https://w3id.org/codemeta/3.0); the schema of CITATION.cff 1.2.0 (https://doi.org/10.5281/zenodo.5171937).
"""

import re

_TERMS = """
    Organization Person SoftwareApplication SoftwareSourceCode Text URL address affiliation
    applicationCategory applicationSubCategory author buildInstructions citation codeRepository codemeta
    contIntegration contributor continuousIntegration copyrightHolder copyrightYear creator dateCreated dateModified
    datePublished description developmentStatus downloadUrl editor email embargoDate embargoEndDate encoding
    endDate familyName fileFormat fileSize funder funding givenName hasPart hasSourceCode id identifier
    installUrl isAccessibleForFree isPartOf isSourceCodeOf issueTracker keywords license maintainer
    memoryRequirements name operatingSystem permissions position processorRequirements producer
    programmingLanguage provider publisher readme referencePublication relatedLink releaseNotes review
    reviewAspect reviewBody Review Role roleName runtimePlatform sameAs schema softwareHelp softwareRequirements
    softwareSuggestions softwareVersion sponsor startDate storageRequirements supportingData targetProduct
    type url version
"""
TERMS = frozenset(_TERMS.split())

# People and organisations.
AGENTS = (
    "author",
    "contributor",
    "copyrightHolder",
    "editor",
    "funder",
    "maintainer",
    "producer",
    "provider",
    "publisher",
    "sponsor",
)
DATES = frozenset(("dateCreated", "dateModified", "datePublished"))
DAYS = frozenset(("embargoDate", "embargoEndDate"))
# Terms that hold the address of something.
URIS = frozenset(("installUrl", "issueTracker", "readme", "url"))
# Terms that hold texts only.
_TEXTS = """
    applicationCategory applicationSubCategory description email familyName givenName keywords name releaseNotes
    softwareVersion version
"""
TEXTS = frozenset(_TEXTS.split())
# Of several values in several languages, one is for people to know the thing by.
IN_LANGUAGES = frozenset(("name", "description", "releaseNotes", "keywords"))

# What people write in the place of a term.
MEANT = {
    "authors": "author",
    "creator": "author",
    "creators": "author",
    "contributors": "contributor",
    "identifiers": "identifier",
    "keyword": "keywords",
    "licence": "license",
    "licenses": "license",
    "maintainers": "maintainer",
    "title": "name",
}

SCHEMA = "schema:"
CFF = "https://citation-file-format.github.io/1.2.0/"
PREFIXES = {
    "schema": "http://schema.org/",
    "codemeta": "https://codemeta.github.io/terms/",
    "cff": CFF,
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_SCHEMA_ORG = re.compile(r"https?://(?:www\.)?schema\.org/(?:#|docs/)?")
_CODEMETA = re.compile(
    r"https?://(?:codemeta\.github\.io/terms/|w3id\.org/codemeta/\d[\d.]*[/#]"
    r"|doi\.org/10\.5063/schema/codemeta-\d[\d.]*[/#])",
    re.IGNORECASE,
)
_LOCAL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_NAMESPACE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?@!$&'()*+,;=%-]*[/#:]?#?")


def term_of(iri: str) -> str:
    """The short name of a property by its IRI or by a name of schema.org; empty for what no document can name."""
    for vocabulary in (_SCHEMA_ORG, _CODEMETA):
        found = vocabulary.match(iri)
        if found:
            return _of_schema_org(iri[found.end() :])
    if ":" not in iri:
        return _of_schema_org(iri)
    namespace, local = split_iri(iri)
    return iri if _LOCAL_NAME.fullmatch(local) and _NAMESPACE.fullmatch(namespace) else ""


def _of_schema_org(name: str) -> str:
    if name in TERMS:
        return name
    return SCHEMA + name if _LOCAL_NAME.fullmatch(name) else ""


def split_iri(iri: str) -> tuple[str, str]:
    """The namespace of a property's IRI, and its name there."""
    end = max(iri.rfind("/"), iri.rfind("#"), iri.rfind(":")) + 1
    return iri[:end], iri[end:]
