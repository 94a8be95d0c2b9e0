"""The XML namespaces of deposit metadata, and the prefixes by which people know them."""

ATOM = "http://www.w3.org/2005/Atom"
APP = "http://www.w3.org/2007/app"
SWORD = "http://purl.org/net/sword/terms/"
DCTERMS = "http://purl.org/dc/terms/"
DEPOSIT = "https://www.softwareheritage.org/schema/2018/deposit"
SCHEMA_ORG = "http://schema.org/"
CODEMETA_2 = "https://doi.org/10.5063/SCHEMA/CODEMETA-2.0"
CODEMETA_3 = "https://w3id.org/codemeta/3.0"

# Both versions of CodeMeta are read alike; where a document mixes them, document order decides.
CODEMETA = (CODEMETA_2, CODEMETA_3)

# Atom is the default namespace of an entry, so its elements are shown without a prefix.
PREFIXES = {
    ATOM: "",
    APP: "app:",
    SWORD: "sword:",
    DCTERMS: "dcterms:",
    DEPOSIT: "swh:",
    SCHEMA_ORG: "schema:",
    CODEMETA_2: "codemeta:",
    CODEMETA_3: "codemeta:",
}
