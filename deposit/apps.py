"""The record of deposits as a Django application."""

from django.apps import AppConfig


class DepositAppConfig(AppConfig):
    """Clients, collections, deposits, their parts and their history."""

    name = "deposit"
    verbose_name = "Deposits"
