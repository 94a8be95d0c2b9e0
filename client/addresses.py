"""Addresses of servers as people type them, and what is wrong with those that lead nowhere."""

import re
import ssl
from urllib.parse import urlsplit

import httpx

from client.errors import UnavailableError, UsageError

_LOCAL = re.compile(r"(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?(?:/|$)")


def tidy(text: str) -> str:
    """The address that is meant, with a slash at its end; ``https://`` is added where nothing is said.

    Raises `UsageError`, which says what is wrong with it.
    """
    url = text.strip()
    if not url:
        raise UsageError("No address was given.", f"It looks like {_EXAMPLE}")
    if "://" not in url:
        url = ("http://" if _LOCAL.match(url) else "https://") + url
    scheme = url.partition("://")[0].lower()
    if scheme not in ("http", "https"):
        raise UsageError(
            f"{text!r} begins with {scheme}://.", f"Deposit servers have web addresses: {_EXAMPLE}"
        )
    bad = next((character for character in url if character.isspace() or character in '<>"\\^`{|}'), None)
    if bad:
        shown = "a space" if bad.isspace() else repr(bad)
        raise UsageError(f"{text!r} is no web address: it has {shown} in it.", f"It looks like {_EXAMPLE}")
    return _checked(text, url).rstrip("/") + "/"


_EXAMPLE = "https://deposit.example.org/1/"


def _checked(text: str, url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        wrong = "its port is no number below 65536" if "ort" in str(error) else str(error)
        raise UsageError(f"{text!r} is no web address: {wrong}.", f"It looks like {_EXAMPLE}") from error
    if not parts.hostname or port == 0:
        raise UsageError(f"{text!r} names no server.", f"It looks like {_EXAMPLE}")
    if parts.username or parts.password:
        raise UsageError(
            "The address has a name or password in it.", "Leave them out of it: deposit login asks for them."
        )
    if parts.query or parts.fragment:
        raise UsageError(f"{text!r} has a ? or # in it.", f"Leave away what follows: {_EXAMPLE}")
    return url


def name_of(url: str) -> str:
    """What a server is called unless somebody says otherwise: its host, with the port where the address has one."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2].lower() or "default"


def explain(error: httpx.TransportError, url: str) -> UnavailableError:
    """Why a server cannot be reached, and what to do about it."""
    explained = _explained(error, url)
    explained.is_transport = True
    return explained


def _explained(error: httpx.TransportError, url: str) -> UnavailableError:
    parts = urlsplit(url)
    host, where = parts.hostname or url, parts.netloc.rpartition("@")[2]
    said = _causes(error)
    if "CERTIFICATE_VERIFY_FAILED" in said:
        reason = (
            said.partition("certificate verify failed: ")[2].partition(" (_ssl")[0] or "it is not trusted"
        )
        return _permanent(
            f"The certificate of {host} is not accepted: {reason}.",
            "Is this the right address? Otherwise its operators have to mend that; SSL_CERT_FILE names authorities.",
        )
    if "WRONG_VERSION_NUMBER" in said or "record layer failure" in said.lower():
        return _permanent(
            f"{where} does not speak https there.", f"Perhaps http://{where}{parts.path} is meant."
        )
    if isinstance(error, httpx.ConnectTimeout):
        return UnavailableError(
            f"The server cannot be reached: {where} does not answer.",
            "Is the address right? A firewall may be in between.",
        )
    if isinstance(error, httpx.ConnectError):
        return UnavailableError(
            f"The server cannot be reached: {_why(said, host, where)}", "Is the address right?"
        )
    if isinstance(error, httpx.TimeoutException):
        return UnavailableError("The server did not answer in time.", "Is the server up?")
    if isinstance(error, httpx.RemoteProtocolError) and parts.scheme == "http":
        return UnavailableError(
            f"The connection broke: {said or type(error).__name__}",
            f"Perhaps https://{where}{parts.path} is meant.",
        )
    return UnavailableError(
        f"The connection broke: {str(error) or type(error).__name__}", "Is the server up?"
    )


def _permanent(summary: str, hint: str) -> UnavailableError:
    error = UnavailableError(summary, hint)
    error.is_permanent = True
    return error


def _why(said: str, host: str, where: str) -> str:
    lowered = said.lower()
    if any(
        words in lowered for words in ("name or service not known", "nodename nor", "no address associated")
    ):
        return f"there is no host called {host}."
    if "temporary failure in name resolution" in lowered or "getaddrinfo" in lowered:
        return f"the name {host} cannot be looked up; is this machine on the network?"
    if "refused" in lowered:
        return f"nobody listens at {where}."
    if "unreachable" in lowered or "no route" in lowered:
        return f"there is no way to {host} from here."
    return said


def _causes(error: BaseException) -> str:
    """What an error and those that caused it say."""
    told: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(told) < 6:
        told.append(str(cause))
        if isinstance(cause, ssl.SSLCertVerificationError):
            told.append(f"CERTIFICATE_VERIFY_FAILED certificate verify failed: {cause.verify_message}")
        cause = cause.__cause__ or cause.__context__
    return " ".join(dict.fromkeys(filter(None, told)))
