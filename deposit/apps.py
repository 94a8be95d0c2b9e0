"""The record of deposits as a Django application."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from deposit.monitoring import telemetry


class DepositAppConfig(AppConfig):
    """Clients, collections, deposits, their parts and their history."""

    name = "deposit"
    verbose_name = "Deposits"

    def ready(self) -> None:
        """Permissions exist only after a migration: then the groups behind the roles get theirs."""
        from deposit.erasure import work as _erasing  # noqa: F401, PLC0415  (it registers its kinds)
        from deposit.monitoring import alerts, deliveries  # noqa: PLC0415  (models are not ready above)
        from deposit.notices import digest, sending  # noqa: F401, PLC0415  (they register their kinds)
        from deposit.services import fetching, work  # noqa: F401, PLC0415  (they register their kinds; models are not ready above)
        from deposit.staging import checks as _checks  # noqa: F401, PLC0415  (it registers itself)

        alerts.register(deliveries.alerts)
        telemetry.start()
        post_migrate.connect(_make_groups, sender=self)


def _make_groups(**kwargs: Any) -> None:
    from deposit.services.roles import make_groups  # noqa: PLC0415  (models are not ready when this file is read)

    make_groups()
