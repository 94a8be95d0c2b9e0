"""The tables: the record of deposits, and who may do what."""

from deposit.models.record import (
    STATUS_TEXTS,
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

__all__ = [
    "STATUS_TEXTS",
    "Client",
    "Collection",
    "Curatorship",
    "Deposit",
    "DepositType",
    "Event",
    "Finding",
    "Membership",
    "Part",
    "PartKind",
    "Status",
]
