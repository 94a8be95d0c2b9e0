"""Deposit packages over SWORD 2: the Python API and the command ``deposit``.

>>> from client import Depositor, Metadata
>>> with Depositor("https://deposit.example.org/1/", username="ada", password="...") as depositor:
...     receipt = depositor.upload("hello-1.0.tar.gz", metadata=Metadata(name="hello", authors=("Ada",)))
...     status = depositor.wait(receipt.deposit_id)

Works with this project's server and with swh-deposit. Stands alone: no Django, nothing of the server.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from client.depositor import Depositor
    from client.documents import Receipt, Service, Status
    from client.errors import DepositError
    from client.metadata import Metadata, Person
    from client.swhid import swhid_of
    from client.version import __version__ as __version__

__all__ = [
    "DepositError",
    "Depositor",
    "Metadata",
    "Person",
    "Receipt",
    "Service",
    "Status",
    "swhid_of",
]

_HOMES = {
    "__version__": "version",
    "DepositError": "errors",
    "Depositor": "depositor",
    "Metadata": "metadata",
    "Person": "metadata",
    "Receipt": "documents",
    "Service": "documents",
    "Status": "documents",
    "swhid_of": "swhid",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first asked for: ``deposit --help`` needs none of them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"client.{_HOMES[name]}"), name)
