"""The vocabularies of an entry, as data: which elements exist, and what the known ones must hold.

Sources: RFC 4287 section 4 (Atom elements); the contexts of CodeMeta 2.0 (codemeta.jsonld of that release,
https://doi.org/10.5063/schema/codemeta-2.0) and 3.0 (https://w3id.org/codemeta/3.0).
"""

from enum import Enum

from deposit.metadata.namespaces import CODEMETA_2, CODEMETA_3

# `feed` and `content` are left out on purpose: a deposit sends one entry, and its content as a package.
ATOM_ELEMENTS = frozenset(
    "author category contributor email entry generator icon id link logo name published rights source subtitle "
    "summary title updated uri".split()
)

_CODEMETA_BOTH = frozenset(
    "Organization Person SoftwareApplication SoftwareSourceCode Text URL address affiliation applicationCategory "
    "applicationSubCategory author buildInstructions citation codeRepository codemeta contributor copyrightHolder "
    "copyrightYear creator dateCreated dateModified datePublished description developmentStatus downloadUrl editor "
    "email encoding familyName fileFormat fileSize funder funding givenName hasPart id identifier installUrl "
    "isAccessibleForFree isPartOf issueTracker keywords license maintainer memoryRequirements name operatingSystem "
    "permissions position processorRequirements producer programmingLanguage provider publisher readme "
    "referencePublication relatedLink releaseNotes runtimePlatform sameAs schema softwareHelp softwareRequirements "
    "softwareSuggestions softwareVersion sponsor storageRequirements supportingData targetProduct type url "
    "version".split()
)

CODEMETA_TERMS = {
    CODEMETA_2: _CODEMETA_BOTH | {"contIntegration", "embargoDate"},
    CODEMETA_3: _CODEMETA_BOTH
    | frozenset(
        "Review Role continuousIntegration embargoEndDate endDate hasSourceCode isSourceCodeOf review reviewAspect "
        "reviewBody roleName startDate".split()
    ),
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


# CodeMeta elements that are looked into when they stand directly below the entry.
KINDS: dict[str, Kind] = {
    **dict.fromkeys(("id", "url", "issueTracker", "readme", "installUrl"), Kind.URI),
    "identifier": Kind.IDENTIFIER,
    **dict.fromkeys(("dateCreated", "dateModified", "datePublished"), Kind.DATE),
    **dict.fromkeys(("embargoDate", "embargoEndDate"), Kind.DAY),
    **dict.fromkeys(("author", "contributor", "copyrightHolder", "creator", "maintainer"), Kind.AGENT),
    **dict.fromkeys(
        (
            "applicationCategory",
            "applicationSubCategory",
            "description",
            "email",
            "familyName",
            "givenName",
            "keywords",
            "name",
            "releaseNotes",
            "softwareVersion",
            "version",
        ),
        Kind.TEXT,
    ),
}
