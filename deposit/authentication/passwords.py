"""Passwords against Django's users, without a slow hash per request and without one per guess.

A password that argon2 has confirmed once is remembered for a short while, in this process only, under an HMAC of
the password and of the *stored hash*, keyed with a random key of the process. The user row is read at every request
all the same: a changed password has another hash and misses the memory, a disabled user is refused. See
docs/explanation/accounts-and-access.md and docs/explanation/accounts-and-access.md.
"""

import functools
import logging
import secrets
from typing import TYPE_CHECKING

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import User
from django.db import connection

from deposit import audit
from deposit.authentication.claims_mapping import identifying, user_of, username_of
from deposit.authentication.credential_cache import CredentialCache
from deposit.authentication.hash_limiter import HashLimiter, SingleFlight, Tarpit
from deposit.authentication.headers import Password
from deposit.authentication.provider import provider
from deposit.authentication.throttle import LoginThrottle, too_many
from deposit.models.compiled import Compiled
from deposit.refusals import Refusal, unauthorized

if TYPE_CHECKING:
    from deposit.authentication.identity import Claims, IdentityProvider

logger = logging.getLogger(__name__)

# Every request with a password asks it.
_by_name = Compiled(lambda name: User.objects.select_related("client").filter(username=name), "sample")
credential_cache = CredentialCache()
confirming: SingleFlight[None] = SingleFlight()
vouching: "SingleFlight[Claims]" = SingleFlight()
# Whom the provider meant by a password that it took, by the digest of password and name.
identities: "dict[bytes, Claims]" = {}
_MOST_IDENTITIES = 10_000
hashing = HashLimiter(running=2, waiting=8, seconds=5.0)
tarpit = Tarpit(places=8, seconds=0.3)

GUESSED_AT = "account.guessed_at"
# For an unknown user it inserts nothing, in the same time. One a day is enough.
_TELL = """
INSERT INTO deposit_notice (user_id, code, text, created_at)
SELECT u.id, %s, %s, clock_timestamp() FROM auth_user u WHERE u.username = %s AND NOT EXISTS (
    SELECT 1 FROM deposit_notice n WHERE n.user_id = u.id AND n.code = %s AND n.created_at > now() - interval '1 day')
"""


@functools.cache
def _nobody() -> str:
    """A hash to check against when there is no such user, so that a guess costs the same time either way."""
    return make_password(secrets.token_urlsafe(16))


_OF_GUESSERS = frozenset({"auth.invalid", "auth.throttled", "auth.busy"})


def _wrong() -> Refusal:
    return unauthorized("auth.invalid", "Invalid username/password.")


def user_with_password(given: Password, *, address: str) -> User:
    """The active user behind a password. Raises `Refusal` with one text for every wrong guess."""
    try:
        return _user(given, address)
    except Refusal as refusal:
        if refusal.code in _OF_GUESSERS:
            tarpit.wait()
        raise


def _user(given: Password, address: str) -> User:
    user = _by_name.first(given.username)
    identity_provider = provider()
    if identity_provider and (user is None or not user.has_usable_password()):
        return _user_of_provider(identity_provider, given, address)
    encoded = user.password if user else _nobody()
    if not credential_cache.knows(given.password, encoded):
        question = (credential_cache.digest(given.password, encoded), given.username, address)
        confirming.answer(question, lambda: _confirm(user, given, encoded, address, identity_provider))
    if user is None or not user.is_active:
        raise _wrong()
    return user


def _user_of_provider(identity_provider: "IdentityProvider", given: Password, address: str) -> User:
    """Whom the identity provider vouches for: asked once in a while, and not for those who guess."""
    against = f"provider\x00{given.username}"
    known = identities.get(credential_cache.digest(given.password, against))
    if known and credential_cache.knows(given.password, against):
        return user_of(known)
    question = (credential_cache.digest(given.password, against), given.username, address)
    return user_of(vouching.answer(question, lambda: _vouched(identity_provider, given, against, address)))


def _vouched(identity_provider: "IdentityProvider", given: Password, against: str, address: str) -> "Claims":
    """What the provider says of whom it vouches for. Raises `Refusal`."""
    throttle = LoginThrottle(account=given.username, address=address)
    if wait := throttle.wait_seconds():
        raise too_many(wait)
    # A guess at an account of ours is hashed and then asked about too: time must not tell whose account it is.
    with hashing.one(regular=throttle.is_known):
        if wait := throttle.wait_seconds():
            raise too_many(wait)
        check_password(given.password, _nobody())
    try:
        claims = identity_provider.claims_for_password(given.username, given.password)
    except Refusal as refusal:
        if refusal.code == "auth.invalid":
            _refused(User.objects.filter(username=given.username).first(), given, address, throttle)
        raise
    # A provider may know one person by several names; the verdict is for the one that was sent.
    if username_of(claims) == given.username:
        if len(identities) >= _MOST_IDENTITIES:
            identities.clear()
        identities[credential_cache.digest(given.password, against)] = identifying(claims)
        credential_cache.learn(given.password, against)
        throttle.succeeded()
    return claims


def _confirm(
    user: User | None,
    given: Password,
    encoded: str,
    address: str,
    identity_provider: "IdentityProvider | None",
) -> None:
    """Hash the password, unless too many wrong ones came lately. Raises `Refusal`."""
    throttle = LoginThrottle(account=given.username, address=address)
    try:
        if wait := throttle.wait_seconds():
            raise too_many(wait)
        with hashing.one(regular=throttle.is_known):
            # Those who waited in line with others' guesses look again.
            if wait := throttle.wait_seconds():
                raise too_many(wait)
            good = _is_right(user, given.password, encoded) and user is not None and user.is_active
            if not good:
                _refused(user, given, address, throttle)
    except Refusal:
        if user is not None and credential_cache.knew(given.password, encoded):
            return
        raise
    if not good:
        raise identity_provider.no_to_a_stranger() if identity_provider else _wrong()
    credential_cache.learn(given.password, encoded)
    throttle.succeeded()


def _is_right(user: User | None, password: str, encoded: str) -> bool:
    """Whether it is the password of the hash; one that was made by an older rule is then replaced."""

    def renew(right: str) -> None:
        if user is not None:
            # Unless somebody changed it meanwhile.
            User.objects.filter(pk=user.pk, password=encoded).update(password=make_password(right))

    return check_password(password, encoded, setter=renew)


def _refused(user: User | None, given: Password, address: str, throttle: LoginThrottle) -> None:
    """Count a wrong password, and write that it was refused; a name that nobody has may be a password, and is not."""
    if throttle.failed():
        _notify_owner(given.username)
    subject = f"user {user.get_username()}" if user else "an unknown user"
    audit.record("user.refused", subject=subject, address=address)


def _notify_owner(username: str) -> None:
    text = (
        "Many wrong passwords were tried for your account from addresses it was not used from before. They were "
        "refused. Your own clients go on as before. If your password is short or used elsewhere too, change it."
    )
    with connection.cursor() as cursor:
        cursor.execute(_TELL, [GUESSED_AT, text, username, GUESSED_AT])
        if cursor.rowcount:
            logger.warning("many wrong passwords for user %s", username)
