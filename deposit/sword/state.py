"""Where a deposit stands: the State-IRI, the Cont-IRI, and the statements (SWORD 2 section 11)."""

from typing import Any

from django.http import HttpResponse, JsonResponse
from rest_framework.request import Request

from deposit import selectors
from deposit.http.negotiation import accepts
from deposit.models import STATUS_TEXTS
from deposit.refusals import Kind, Refusal
from deposit.services.confirmation import is_held
from deposit.sword import documents
from deposit.sword.documents import FEED_TYPE
from deposit.sword.media import originals
from deposit.sword.statements import RDF_TYPE, Statement, atom_statement, ore_statement
from deposit.sword.views import DepositView, xml_response


class StateView(DepositView):
    """State-IRI: where the deposit stands."""

    def get(self, request: Request, **path: Any) -> HttpResponse:
        """The status document; as JSON for those who ask."""
        if self.etag in [tag.strip() for tag in request.META.get("HTTP_IF_NONE_MATCH", "").split(",")]:
            return HttpResponse(status=304, headers={"ETag": self.etag})
        detail = selectors.status_details([self.deposit]).get(self.deposit.pk, "")
        if accepts(request, "application/json"):
            fields: dict[str, object] = dict(documents.status_fields(self.deposit, detail))
            fields |= {"deposit_id": self.deposit.pk, "deposit_origin_url": self.deposit.origin_url}
            fields |= {"deposit_page": self.iris.page(self.deposit.pk)}
            if is_held(self.deposit):
                fields["deposit_waits_for"] = "confirmation"
            return JsonResponse(fields, headers={"ETag": self.etag})
        held = is_held(self.deposit)
        return xml_response(documents.status(self.deposit, detail, self.iris, held=held), ETag=self.etag)


class ContentView(DepositView):
    """Cont-IRI: what the deposit holds."""

    def get(self, request: Request, **path: Any) -> HttpResponse:
        """The content document."""
        return xml_response(documents.content(self.deposit))


def statement_response(view: DepositView, suffix: str) -> HttpResponse:
    """The statement as Atom (``atom``) or OAI-ORE (``rdf``)."""
    deposit = view.deposit
    detail = selectors.status_details([deposit]).get(deposit.pk, "")
    statement = Statement(
        iri=view.iris.statement(view.collection, deposit.pk, suffix),
        deposit=view.iris.edit(view.collection, deposit.pk),
        title=deposit.title or f"Deposit {deposit.pk}",
        author=deposit.client.user.get_username(),
        updated=deposit.status_changed_at,
        status=deposit.status,
        description=detail or STATUS_TEXTS[deposit.status],
        originals=tuple(originals(deposit, view.collection, view.iris)),
        identifiers=tuple(selectors.identifier_values(deposit)),
    )
    if suffix == "atom":
        return xml_response(atom_statement(statement), content_type=FEED_TYPE, ETag=view.etag)
    return xml_response(ore_statement(statement), content_type=RDF_TYPE, ETag=view.etag)


class StatementView(DepositView):
    """A statement under an address of its own."""

    def get(self, request: Request, **path: Any) -> HttpResponse:
        """The statement that the address names."""
        if path["suffix"] not in ("atom", "rdf"):
            raise Refusal(
                Kind.NOT_FOUND, "statement.unknown", "There is no such statement.", "There are atom and rdf."
            )
        return statement_response(self, path["suffix"])
