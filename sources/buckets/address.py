"""Where a bucket is (``s3://bucket/prefix?endpoint=…&region=…``, percent-encoded), and how it announces objects."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit


class AddressError(ValueError):
    """An address or a way of events that makes no sense, worded for whoever wrote it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A bucket, and the prefix below which its objects count. ``endpoint`` and ``region`` "": as boto3 finds them."""

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    path_style: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class EventWay:
    """How a bucket announces its objects: ``kind`` is listing, sqs, redis or webhook."""

    kind: str
    url: str = ""
    endpoint: str = ""
    list_name: str = ""


def read_address(url: str) -> Address:
    """Read the address of a bucket. Raises `AddressError`."""
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc or parts.fragment:
        raise AddressError(
            f"{url!r} is no address of a bucket; write s3://bucket/prefix?endpoint=…&region=…."
        )
    options = _options(parts.query, {"endpoint", "region", "path_style"})
    endpoint = _web_address(options["endpoint"]) if options.get("endpoint") else ""
    style = options.get("path_style", "true" if endpoint else "false")
    if style not in ("true", "false"):
        raise AddressError("path_style is true or false.")
    return Address(
        bucket=unquote(parts.netloc),
        prefix=unquote(parts.path.removeprefix("/")),
        endpoint=endpoint,
        region=options.get("region", ""),
        path_style=style == "true",
    )


def _options(query: str, known: set[str]) -> dict[str, str]:
    try:
        given = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError as error:
        raise AddressError(f"{query!r} cannot be read: {error}. Values are percent-encoded.") from error
    options = dict(given)
    if unknown := sorted(set(options) - known):
        raise AddressError(
            f"Unknown option {unknown[0]!r} in an address; there are {', '.join(sorted(known))}."
        )
    if len(options) != len(given):
        raise AddressError("An option is given twice in an address.")
    return options


def _web_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise AddressError(f"{url!r} is no http or https address.")
    return url


def read_event_way(text: str) -> EventWay:
    """Read ``listing``, ``sqs:URL``, ``redis:URL#LIST`` or ``webhook``. Raises `AddressError`."""
    kind, _, rest = text.partition(":")
    if text in ("", "listing", "webhook"):
        return EventWay(kind=text or "listing")
    if kind == "sqs":
        parts = urlsplit(_web_address(rest))
        options = _options(parts.query, {"endpoint"})
        endpoint = _web_address(options["endpoint"]) if options.get("endpoint") else ""
        return EventWay(kind="sqs", url=parts._replace(query="").geturl(), endpoint=endpoint)
    if kind == "redis":
        url, _, name = rest.partition("#")
        if urlsplit(url).scheme not in ("redis", "rediss", "unix") or not name:
            raise AddressError("Events from Redis are written redis:redis://host:6379/0#LIST.")
        return EventWay(kind="redis", url=url, list_name=unquote(name))
    raise AddressError(
        f"{text!r} is no way of events; there are listing, sqs:URL, redis:URL#LIST and webhook."
    )
