"""The profile ``transfer-package``: the rules are the client's, so that what is valid offline is valid here."""

from checker.profiles.rules import Rules
from client.transfer_package.rules import identifier_of, judge, title_of

RULES = Rules(name="transfer-package", judge=judge, identifier=identifier_of, title=title_of)
