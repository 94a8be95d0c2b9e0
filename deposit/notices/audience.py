"""Who is told of an event: subscriptions that want it and whose users may read the deposit, now."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q

from deposit.models import Curatorship, NoticeType, Subscription, SubscriptionChannel, SubscriptionReach
from deposit.notices.content import Told
from deposit.permissions import PERMISSIONS


def listeners(told: Sequence[Told]) -> list[tuple[Subscription, Told]]:
    """Each event with each subscription that it is for, in the order of the events; a few queries for all."""
    if not told:
        return []
    _add_defaults(told)
    owners = {one.deposit.client.user_id for one in told}
    curators = _curators({one.deposit.collection_id for one in told})
    users = {user for each in curators.values() for user in each}
    reached = (
        Q(reach=SubscriptionReach.OWN, user__in=owners)
        | Q(reach=SubscriptionReach.CURATED, user__in=users)
        | Q(reach=SubscriptionReach.ALL)
    )
    wanting = Subscription.objects.filter(
        reached, active=True, user__is_active=True, events__overlap=list({one.type.value for one in told})
    )
    found = [one for one in wanting.select_related("user").order_by("id") if _may_listen(one)]
    return [(one, each) for each in told for one in found if _is_for(one, each, curators)]


def _may_listen(subscription: Subscription) -> bool:
    if subscription.channel == SubscriptionChannel.MAIL and not subscription.user.email:
        return False
    return subscription.reach != SubscriptionReach.ALL or sees_all(subscription.user)


def sees_all(user: User) -> bool:
    """Whether the user is an operator or administrator: the roles that see every deposit and the queues."""
    return any(user.has_perm(name) for name in PERMISSIONS.values())


def _is_for(subscription: Subscription, told: Told, curators: "defaultdict[int, set[int]]") -> bool:
    deposit = told.deposit
    if told.type not in subscription.events or told.at < subscription.created_at:
        return False
    if subscription.collection_id not in (None, deposit.collection_id):
        return False
    if subscription.reach == SubscriptionReach.OWN:
        return bool(deposit.client.user_id == subscription.user_id)
    if subscription.reach == SubscriptionReach.CURATED:
        return subscription.user_id in curators[deposit.collection_id]
    return True


def _curators(collections: Collection[int]) -> "defaultdict[int, set[int]]":
    found: defaultdict[int, set[int]] = defaultdict(set)
    rows = Curatorship.objects.filter(collection__in=collections).values_list("collection", "user")
    for collection, user in rows:
        found[collection].add(user)
    return found


def _add_defaults(told: Iterable[Told]) -> None:
    """Depositors with an address who have chosen nothing are told by mail of what concerns them.

    The subscription is a row like any other from then on: its user changes it or ends it.
    """
    wanted = [one for one in told if one.type in settings.NOTICE_MAIL_DEFAULTS]
    owners = {one.deposit.client.user_id: one.deposit.client.user for one in wanted}
    if not owners:
        return
    chosen = Subscription.objects.filter(
        user__in=owners, channel=SubscriptionChannel.MAIL, reach=SubscriptionReach.OWN
    )
    for user in chosen.values_list("user", flat=True):
        owners.pop(user, None)
    first = min(one.at for one in wanted)
    events = [each.value for each in NoticeType if each.value in settings.NOTICE_MAIL_DEFAULTS]
    Subscription.objects.bulk_create(
        [
            Subscription(
                user=user, channel=SubscriptionChannel.MAIL, events=events, is_default=True, created_at=first
            )
            for user in owners.values()
            if user.email and user.is_active
        ],
        ignore_conflicts=True,
    )
