"""Sessions in the database, under a digest of their key: who reads a dump of it cannot go on with anybody's session.

The settings name this module as ``SESSION_ENGINE``. A key is 32 random characters, so a plain digest is enough.
"""

import hashlib
from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.models import Session
from django.utils import timezone


def stored_as(key: str) -> str:
    """What the row of a session is named: as long as the column, 40 hexadecimal digits."""
    return hashlib.blake2b(key.encode("utf-8", "surrogateescape"), digest_size=20).hexdigest()


class SessionStore(DatabaseStore):
    """Django's own, but for the name of the row."""

    def _get_session_from_db(self) -> Session | None:
        now = timezone.now()
        found = Session.objects.filter(
            session_key=stored_as(self.session_key or ""), expire_date__gt=now
        ).first()
        if found is None:
            self._session_key = None
        return found

    def exists(self, session_key: str) -> bool:
        """Whether there is a session of this key."""
        return super().exists(stored_as(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        """The row of this session."""
        row = super().create_model_instance(data)
        row.session_key = stored_as(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        """Forget a session, this one unless another is named."""
        key = session_key or self.session_key
        if key:
            super().delete(stored_as(key))
