"""Runs inside the environment of the sword2 library: leads deposits, and prints what it saw as JSON.

Usage: ``python sword2_life.py < parameters.json``. Everything is done through the library's public calls.
"""

import json
import sys
import tempfile
from base64 import b64encode
from pathlib import Path
from typing import Any

import sword2
from sword2 import connection as sword2_connection
from sword2.http_layer import HttpLib2Layer


def create_multipart_related(payloads: list[dict[str, Any]]) -> tuple[str, bytes]:
    """What the library means to send: its own function mixes str and bytes and cannot run on Python 3."""
    boundary = "===============sword2_life=="
    lines = []
    for payload in payloads:
        key, name = payload["key"], payload.get("filename")
        filename = f'; filename="{name}"' if name else ""
        lines += ["--" + boundary, "Content-Type: " + payload["type"]]
        lines += [f'Content-Disposition: attachment; name="{key}"{filename}']
        lines += [f"{header}: {value}" for header, value in payload.get("headers", {}).items()]
        lines += ["MIME-Version: 1.0"]
        if key == "payload":
            lines += ["Content-Transfer-Encoding: base64", "", b64encode(payload["data"].read()).decode()]
        else:
            lines += ["", payload["data"]]
    body = "\r\n".join([*lines, "--" + boundary + "--", ""])
    return f'multipart/related; boundary="{boundary}"', body.encode()


sword2_connection.create_multipart_related = create_multipart_related


def entry(title: str, **terms: str) -> Any:
    """An Atom entry with an author and Dublin Core."""
    made = sword2.Entry(title=title, id="urn:x:" + title, **terms)
    made.add_author("Ada")
    return made


def package(path: str, **call: Any) -> dict[str, Any]:
    """Arguments for a request that sends a package."""
    return {
        "payload": Path(path).open("rb"),
        "mimetype": "application/zip",
        "filename": Path(path).name,
        "packaging": "http://purl.org/net/sword/package/SimpleZip",
        **call,
    }


def connect(parameters: dict[str, str]) -> Any:
    """A connection of a person who knows only the address of the service document."""
    http = HttpLib2Layer(tempfile.mkdtemp(), timeout=60.0)
    return sword2.Connection(
        parameters["service_document"],
        user_name=parameters["user"],
        user_pass=parameters["password"],
        http_impl=http,
        error_response_raises_exceptions=False,
    )


def discover(parameters: dict[str, str]) -> tuple[Any, dict[str, Any]]:
    """The service document."""
    connection = connect(parameters)
    connection.get_service_document()
    (workspace,) = connection.sd.workspaces
    (collection,) = workspace[1]
    return connection, {
        "valid": connection.sd.valid,
        "version": connection.sd.version,
        "accept": collection.accept,
        "accept_multipart": collection.accept_multipart,
        "packaging": collection.acceptPackaging,
        "href": collection.href,
    }


def lead_by_parts(connection: Any, collection: str, parameters: dict[str, str]) -> dict[str, Any]:
    """Metadata first, then packages, replaced metadata, completion."""
    seen = {}
    receipt = connection.create(
        col_iri=collection,
        metadata_entry=entry("by parts", dcterms_abstract="Before"),
        in_progress=True,
        suggested_identifier="sword2-by-parts",
    )
    seen["created"] = [receipt.code, receipt.edit, receipt.edit_media, receipt.se_iri]
    connection.add_file_to_resource(
        **package(parameters["one"], edit_media_iri=receipt.edit_media, in_progress=True)
    )
    connection.append(
        dr=receipt, **package(parameters["two"], metadata_entry=entry("more"), in_progress=True)
    )
    seen["replaced"] = connection.update_metadata_for_resource(
        entry("replaced", dcterms_abstract="After"), dr=receipt, in_progress=True
    ).code
    read = connection.get_deposit_receipt(receipt.edit)
    seen["receipt"] = [
        read.code,
        read.title,
        read.metadata.get("dcterms_abstract"),
        "sword_treatment" in read.metadata,
    ]
    seen["completed"] = connection.complete_deposit(dr=receipt).code
    return seen


def lead_multipart(connection: Any, collection: str, parameters: dict[str, str]) -> dict[str, Any]:
    """A package and its metadata in one request."""
    receipt = connection.create(
        col_iri=collection, **package(parameters["one"], metadata_entry=entry("multipart"))
    )
    return {"created": [receipt.code, receipt.edit]}


def lead_replacing(connection: Any, collection: str, parameters: dict[str, str]) -> dict[str, Any]:
    """Replace and remove packages of a deposit that is not complete, then remove the deposit."""
    receipt = connection.create(col_iri=collection, **package(parameters["one"], in_progress=True))
    replaced = connection.update_files_for_resource(
        dr=receipt, **package(parameters["two"], in_progress=True)
    )
    both = connection.update_metadata_and_files_for_resource(
        entry("both"), dr=receipt, **package(parameters["one"], in_progress=True)
    )
    emptied = connection.delete_content_of_resource(dr=receipt)
    deleted = connection.delete_container(dr=receipt)
    gone = connection.get_deposit_receipt(receipt.edit)
    return {"codes": [receipt.code, replaced.code, both.code, emptied.code, deleted.code, gone.code]}


def meet_errors(connection: Any, collection: str, parameters: dict[str, str]) -> dict[str, Any]:
    """What the library makes of our error documents."""
    wrong = package(parameters["one"], md5sum="0" * 32)
    mismatch = connection.create(col_iri=collection, **wrong)
    unknown = package(parameters["one"], packaging="http://example.org/unknown")
    packaging = connection.create(col_iri=collection, **unknown)
    return {"errors": [[error.code, error.error_href] for error in (mismatch, packaging)]}


def main() -> None:
    """All lives, one after the other."""
    parameters = json.load(sys.stdin)
    connection, seen = discover(parameters)
    leads = [lead_by_parts, lead_multipart, lead_replacing, meet_errors]
    lives = {lead.__name__: lead(connection, seen["href"], parameters) for lead in leads}
    json.dump({"discover": seen, **lives}, sys.stdout)


main()
