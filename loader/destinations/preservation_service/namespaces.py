"""Namespaces and versions of what a SIP's METS is made of."""

METS = "http://www.loc.gov/METS/"
FI = "http://digitalpreservation.fi/schemas/mets/fi-extensions"
XLINK = "http://www.w3.org/1999/xlink"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
PREMIS = "info:lc/xmlns/premis-v2"
MIX = "http://www.loc.gov/mix/v20"
LIDO = "http://www.lido-schema.org"

PROFILE = "http://digitalpreservation.fi/mets-profiles/cultural-heritage"
CATALOG = SPECIFICATION = "1.8.0"
PREMIS_VERSION = "2.3"
MIX_VERSION = "2.0"

PREFIXES = {"mets": METS, "fi": FI, "xlink": XLINK, "xsi": XSI, "premis": PREMIS, "mix": MIX}
