"""The tables: the record of deposits, and who may do what."""

from deposit.models.audit import AuditRecord
from deposit.models.daily_statistics import DailyStatistics
from deposit.models.deletions import (
    LONGEST_REASON,
    SHORTEST_REASON,
    DeletionKind,
    DeletionRequest,
    DeletionState,
    TakenBackup,
    Withdrawal,
    is_erased,
    is_withdrawn,
)
from deposit.models.deliveries import (
    OPEN_DELIVERIES,
    Activity,
    ActivityState,
    Delivery,
    DeliveryState,
    Identifier,
)
from deposit.models.event_names import EventName, NoticeType
from deposit.models.heartbeats import Heartbeat
from deposit.models.identities import ProviderIdentity
from deposit.models.locks import AdvisoryLock
from deposit.models.moved import MovedAccount, MovedDeposit
from deposit.models.notices import (
    OPEN_NOTIFICATIONS,
    Notification,
    NotificationAttempt,
    NotificationState,
    OutboxPosition,
    ReceiptTarget,
    StandingAlert,
    Subscription,
    SubscriptionChannel,
    SubscriptionReach,
)
from deposit.models.page_anchors import PageAnchor
from deposit.models.record import (
    STATUS_TEXTS,
    TITLE_LENGTH,
    Client,
    Collection,
    Deposit,
    DepositType,
    Duplicates,
    Event,
    Finding,
    Membership,
    Part,
    PartKind,
    Profile,
    Status,
)
from deposit.models.retries import IdempotencyKey
from deposit.models.roles import Curatorship
from deposit.models.submissions import SubmissionKey
from deposit.models.throttling import LoginFailures, Notice
from deposit.models.tokens import ApiToken, TokenScope
from deposit.models.uploads import Fetch, FetchState, Upload, UploadSegment
from deposit.models.versions import PackageVersion
from deposit.models.work import WorkItem

__all__ = [
    "LONGEST_REASON",
    "OPEN_DELIVERIES",
    "OPEN_NOTIFICATIONS",
    "SHORTEST_REASON",
    "STATUS_TEXTS",
    "TITLE_LENGTH",
    "Activity",
    "ActivityState",
    "AdvisoryLock",
    "ApiToken",
    "AuditRecord",
    "Client",
    "Collection",
    "Curatorship",
    "DailyStatistics",
    "DeletionKind",
    "DeletionRequest",
    "DeletionState",
    "Delivery",
    "DeliveryState",
    "Deposit",
    "DepositType",
    "Duplicates",
    "Event",
    "EventName",
    "Fetch",
    "FetchState",
    "Finding",
    "Heartbeat",
    "IdempotencyKey",
    "Identifier",
    "LoginFailures",
    "Membership",
    "MovedAccount",
    "MovedDeposit",
    "Notice",
    "NoticeType",
    "Notification",
    "NotificationAttempt",
    "NotificationState",
    "OutboxPosition",
    "PackageVersion",
    "PageAnchor",
    "Part",
    "PartKind",
    "Profile",
    "ProviderIdentity",
    "ReceiptTarget",
    "StandingAlert",
    "Status",
    "SubmissionKey",
    "Subscription",
    "SubscriptionChannel",
    "SubscriptionReach",
    "TakenBackup",
    "TokenScope",
    "Upload",
    "UploadSegment",
    "Withdrawal",
    "WorkItem",
    "is_erased",
    "is_withdrawn",
]
