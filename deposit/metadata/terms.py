"""The vocabularies of an entry, as data: which elements exist, and what the known ones must hold.

Sources: RFC 4287 section 4 (Atom elements); the contexts of CodeMeta 2.0 (codemeta.jsonld of that release,
https://doi.org/10.5063/schema/codemeta-2.0) and 3.0 (https://w3id.org/codemeta/3.0).
"""

from enum import Enum

from deposit.metadata.namespaces import CODEMETA_2, CODEMETA_3

# `feed` and `content` are left out on purpose: a deposit sends one entry, and its content as a package.
_ATOM = """
    author category contributor email entry generator icon id link logo name published rights source subtitle
    summary title updated uri
"""
ATOM_ELEMENTS = frozenset(_ATOM.split())

_CODEMETA_BOTH = """
    Organization Person SoftwareApplication SoftwareSourceCode Text URL address affiliation
    applicationCategory applicationSubCategory author buildInstructions citation codeRepository codemeta
    contributor copyrightHolder copyrightYear creator dateCreated dateModified datePublished description
    developmentStatus downloadUrl editor email encoding familyName fileFormat fileSize funder funding
    givenName hasPart id identifier installUrl isAccessibleForFree isPartOf issueTracker keywords license
    maintainer memoryRequirements name operatingSystem permissions position processorRequirements producer
    programmingLanguage provider publisher readme referencePublication relatedLink releaseNotes
    runtimePlatform sameAs schema softwareHelp softwareRequirements softwareSuggestions softwareVersion
    sponsor storageRequirements supportingData targetProduct type url version
"""
_CODEMETA_2_ONLY = "contIntegration embargoDate"
_CODEMETA_3_ONLY = """
    Review Role continuousIntegration embargoEndDate endDate hasSourceCode isSourceCodeOf review reviewAspect
    reviewBody roleName startDate
"""
CODEMETA_TERMS = {
    CODEMETA_2: frozenset((_CODEMETA_BOTH + _CODEMETA_2_ONLY).split()),
    CODEMETA_3: frozenset((_CODEMETA_BOTH + _CODEMETA_3_ONLY).split()),
}

# What a term of one version is called in the other.
CODEMETA_RENAMED = {
    CODEMETA_2: {"continuousIntegration": "contIntegration", "embargoEndDate": "embargoDate"},
    CODEMETA_3: {"contIntegration": "continuousIntegration", "embargoDate": "embargoEndDate"},
}

CODEMETA_VERSION = {CODEMETA_2: "2.0", CODEMETA_3: "3.0"}


class Kind(Enum):
    """What an element must hold."""

    URI = "uri"
    IDENTIFIER = "identifier"
    DATE = "date"
    DAY = "day"
    AGENT = "agent"
    TEXT = "text"


# CodeMeta elements that are looked into.
_KINDS = {
    Kind.URI: "id installUrl issueTracker readme url",
    Kind.IDENTIFIER: "identifier",
    Kind.DATE: "dateCreated dateModified datePublished",
    Kind.DAY: "embargoDate embargoEndDate",
    Kind.AGENT: "author contributor copyrightHolder creator maintainer",
    Kind.TEXT: """
        applicationCategory applicationSubCategory description email familyName givenName keywords name
        releaseNotes softwareVersion version
    """,
}
KINDS = {name: kind for kind, names in _KINDS.items() for name in names.split()}
