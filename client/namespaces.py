"""The XML namespaces of an entry."""

ATOM = "http://www.w3.org/2005/Atom"
CODEMETA_2 = "https://doi.org/10.5063/SCHEMA/CODEMETA-2.0"
CODEMETA_3 = "https://w3id.org/codemeta/3.0"
SCHEMA = "http://schema.org/"
DEPOSIT = "https://www.softwareheritage.org/schema/2018/deposit"
CFF = "https://citation-file-format.github.io/1.2.0/"

PREFIXES = {
    "": ATOM,
    "codemeta": CODEMETA_2,
    "codemeta3": CODEMETA_3,
    "schema": SCHEMA,
    "swh": DEPOSIT,
    "cff": CFF,
}
