"""Errors to Sentry and traces to an OpenTelemetry collector, where the settings name one.

Neither library is imported otherwise, nor has to be installed. Nothing that was deposited leaves: no bodies, no
passwords, no values of variables; an error or a span tells the request or task it belongs to.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from deposit.monitoring.logs import place

# Asked every few seconds by machines; nobody wants to read of them.
NOT_TRACED = "healthz,readyz,metrics,static/"


def start() -> None:
    """Switch on what the settings ask for. Raises ImproperlyConfigured when its library is not installed."""
    if settings.SENTRY_DSN:
        _needing("sentry", "SENTRY_DSN", _start_sentry)
    if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        _needing("telemetry", "OTEL_EXPORTER_OTLP_ENDPOINT", _start_tracing)


def _needing(extra: str, setting: str, begin: Callable[[], None]) -> None:
    try:
        begin()
    except ModuleNotFoundError as missing:
        raise ImproperlyConfigured(
            f"{setting} is set, but {missing.name} is not installed: unset it, or "
            f"pip install 'deposit-server[{extra}]'."
        ) from missing


def _start_sentry() -> None:
    import sentry_sdk  # noqa: PLC0415

    def remember_the_place(event: Any, hint: dict[str, Any]) -> Any:
        event.setdefault("tags", {}).update(place())
        return event

    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        environment=settings.SENTRY_ENVIRONMENT,
        before_send=remember_the_place,
        # A body is read by the service alone: it may be large, and is the depositor's.
        max_request_body_size="never",
        include_local_variables=False,
        send_default_pii=False,
    )


def _start_tracing() -> None:
    from opentelemetry import trace  # noqa: PLC0415
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.instrumentation.celery import CeleryInstrumentor  # noqa: PLC0415
    from opentelemetry.instrumentation.django import DjangoInstrumentor  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    def name_the_request(span: Any, request: Any, response: Any) -> None:
        if span and span.is_recording():
            span.set_attribute("deposit.request", response.get("X-Request-ID", ""))

    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win over what is said here.
    resource = Resource.create({"service.name": "deposit-server"})
    provider = TracerProvider(resource=resource)
    endpoint = settings.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip("/") + "/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    trace.set_tracer_provider(provider)
    DjangoInstrumentor().instrument(response_hook=name_the_request, excluded_urls=NOT_TRACED)
    CeleryInstrumentor().instrument()  # type: ignore[no-untyped-call]
