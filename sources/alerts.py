"""What is wrong with sources, for the alerts of the service."""

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from deposit.monitoring.alerts import Alert
from sources.models import Source
from sources.report import overdue


def alerts() -> Iterator[Alert]:
    """Sources that cannot be served, and those from which something is not stored in time."""
    for source in Source.objects.filter(removed_at__isnull=True).order_by("name"):
        if source.trouble:
            sentence = _("The source %(name)s is not watched: %(trouble)s.") % {
                "name": source.name,
                "trouble": source.trouble,
            }
            yield Alert(code="source.trouble", severity="error", sentence=sentence)
        number = overdue(source, source.alert_hours).count()
        if number:
            sentence = ngettext(
                "From the source %(name)s %(number)d upload is not stored after %(hours)g hours.",
                "From the source %(name)s %(number)d uploads are not stored after %(hours)g hours.",
                number,
            ) % {"name": source.name, "number": number, "hours": source.alert_hours}
            yield Alert(code="source.overdue", severity="warning", sentence=sentence)
