"""How templates show the museum's objects."""

from django import template

from dashboard.museum.words import FREEZE_SOURCES, HEARTBEATS, JOB_STATES, STEPS

register = template.Library()


@register.filter
def step(value: str) -> str:
    """Where an object or a package stands."""
    return str(STEPS.get(value, value))


@register.filter
def job_state(value: str) -> str:
    """Whether a job waits, is being done, or failed."""
    return str(JOB_STATES.get(value, value))


@register.filter
def frozen_by(value: str | None) -> str:
    """Who froze an object."""
    return str(FREEZE_SOURCES.get(value or "", ""))


@register.filter
def heartbeat(value: str) -> str:
    """Whether a recurring run shows signs of life."""
    return str(HEARTBEATS.get(value, value))
