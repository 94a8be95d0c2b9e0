"""The tables: the record of deposits, and who may do what."""

from deposit.models.audit import AuditRecord
from deposit.models.record import (
    STATUS_TEXTS,
    TITLE_LENGTH,
    Client,
    Collection,
    Deposit,
    DepositType,
    Event,
    Finding,
    Membership,
    Part,
    PartKind,
    Status,
)
from deposit.models.roles import Curatorship
from deposit.models.throttling import LoginFailures, Notice
from deposit.models.tokens import ApiToken, TokenScope

__all__ = [
    "STATUS_TEXTS",
    "TITLE_LENGTH",
    "ApiToken",
    "AuditRecord",
    "Client",
    "Collection",
    "Curatorship",
    "Deposit",
    "DepositType",
    "Event",
    "Finding",
    "LoginFailures",
    "Membership",
    "Notice",
    "Part",
    "PartKind",
    "Status",
    "TokenScope",
]
