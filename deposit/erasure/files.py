"""Files of the staging area that are erased: removed durably, wherever the cleanup may have put them."""

from collections.abc import Callable, Iterable

from deposit.staging.storage import staging


def remove(stored_as: Iterable[str], *, alive: Callable[[], None]) -> None:
    """Remove staged files, and copies of them in the trash; twice does no harm. Raises OSError.

    ``alive`` is called before each of them and may raise.
    """
    for name in stored_as:
        alive()
        staging().erase(name)
