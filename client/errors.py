"""What can go wrong, each with the exit code of the command ``deposit``."""

from enum import IntEnum


class ExitCode(IntEnum):
    """How ``deposit`` ends. 1 is a fault of the program itself, 2 a wrong command line."""

    OK = 0
    FAULT = 1
    USAGE = 2
    REFUSED = 3
    UNAUTHORIZED = 4
    NOT_FOUND = 5
    UNAVAILABLE = 6
    REJECTED = 7
    FAILED = 8
    TIMED_OUT = 9
    DIFFERS = 10
    UNCONFIRMED = 11


class DepositError(Exception):
    """Something that the user can act on. ``hint`` says how, where we know."""

    exit_code = ExitCode.REFUSED

    def __init__(self, summary: str, hint: str = "", *, status: int | None = None, code: str = "") -> None:
        super().__init__(summary)
        self.summary, self.hint, self.status, self.code = summary, hint, status, code


class RefusedError(DepositError):
    """The server understood the request and refuses it."""


class UnauthorizedError(DepositError):
    """User name, password or token are wrong, or the user may not do this."""

    exit_code = ExitCode.UNAUTHORIZED


class NotFoundError(DepositError):
    """There is no such deposit or collection, or it is somebody else's."""

    exit_code = ExitCode.NOT_FOUND
    # False when whoever answered knows nothing of deposits.
    is_from_deposit_server = False


class UnavailableError(DepositError):
    """The server cannot be reached, or is not well; the same request may work later."""

    exit_code = ExitCode.UNAVAILABLE
    # True where no server has answered at all.
    is_transport = False
    # True where trying again cannot help.
    is_permanent = False


class WaitTimedOutError(DepositError):
    """The deposit did not come to an end in time; it goes on without us."""

    exit_code = ExitCode.TIMED_OUT


class UsageError(DepositError):
    """What was asked for makes no sense; nothing was sent."""

    exit_code = ExitCode.USAGE


def error_for(status: int, summary: str, hint: str = "") -> DepositError:
    """The error for an HTTP status."""
    kinds: dict[int, type[DepositError]] = {
        401: UnauthorizedError,
        403: UnauthorizedError,
        404: NotFoundError,
        410: NotFoundError,
        429: UnavailableError,
    }
    kind = kinds.get(status, UnavailableError if status >= 500 else RefusedError)
    return kind(summary or f"The server answered {status}.", hint, status=status)
