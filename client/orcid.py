"""ORCID iDs in what people write; the server goes by the same rules."""

import re

_ORCID = re.compile(
    r"[\s(\[,;]*(?:https?://(?:www\.)?orcid\.org/|orcid:?\s*)?((?:[0-9]{4}-){3}[0-9]{3}[0-9Xx])[\s)\]]*",
    re.IGNORECASE,
)


def is_orcid(text: str) -> bool:
    """Whether sixteen digits in fours have the check digit of ISO 7064 11,2."""
    digits = text.replace("-", "").upper()
    total = 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    rest = (12 - total % 11) % 11
    return digits[-1] == ("X" if rest == 10 else str(rest))


def split_orcid(name: str) -> tuple[str, str]:
    """A name without the ORCID iD that was written beside it, and that iD as a URL; empty where there is none."""
    found = _ORCID.search(name)
    if found is None or not is_orcid(found[1]):
        return name, ""
    rest = f"{name[: found.start()]} {name[found.end() :]}"
    return " ".join(rest.split()).strip(" ,;"), f"https://orcid.org/{found[1].upper()}"
