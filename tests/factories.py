"""What tests build on: clients, collections and packages, as the real thing."""

import base64
import io
import itertools
import tarfile
import zipfile
from typing import Any

from django.contrib.auth.models import User
from django.test import Client as HttpClient

from deposit.models import Client, Collection, Deposit

PASSWORD = "correct horse battery staple"

ATOM = "http://www.w3.org/2005/Atom"
SD = "https://www.softwareheritage.org/schema/2018/deposit"
SWORD = "http://purl.org/net/sword/terms/"


_numbers = itertools.count(1)


def new_collection(name: str | None = None) -> Collection:
    """A collection of its own name."""
    return Collection.objects.create(name=name or f"collection{next(_numbers)}")


def new_client(
    *collections: Collection,
    username: str | None = None,
    provider_url: str = "https://hal.example.org/",
) -> Client:
    """A depositor who may use these collections; the password is ``PASSWORD``."""
    user = User.objects.create_user(username or f"user{next(_numbers)}", password=PASSWORD)
    client = Client.objects.create(user=user, provider_url=provider_url, domain="hal.example.org")
    client.collections.add(*collections)
    return client


def new_deposit(client: Client | None = None, collection: Collection | None = None, **fields: Any) -> Deposit:
    """A partial deposit without parts; other states are reached through the lifecycle."""
    collection = collection or new_collection()
    client = client or new_client(collection)
    deposit = Deposit.objects.create(client=client, collection=collection, **fields)
    deposit.refresh_from_db()
    return deposit


def basic(username: str, password: str = PASSWORD) -> str:
    """An Authorization header."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def http_client(client: Client) -> HttpClient:
    """Django's test client with a depositor's credentials."""
    return HttpClient(headers={"Authorization": basic(client.user.username)})


def make_zip(files: dict[str, bytes]) -> bytes:
    """A zip of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def make_tar(files: dict[str, bytes], mode: str = "w:gz") -> bytes:
    """A tar of these files, gzipped unless told otherwise."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def atom_entry(inner: str = "", *, title: str = "A program", author: str = "Ada Lovelace") -> bytes:
    """An Atom entry with CodeMeta that passes all checks; ``inner`` is put in at the end."""
    return f"""<?xml version="1.0" encoding="utf-8"?>
<entry xmlns="{ATOM}" xmlns:codemeta="https://doi.org/10.5063/SCHEMA/CODEMETA-2.0"
       xmlns:swh="{SD}" xmlns:schema="http://schema.org/" xmlns:dcterms="http://purl.org/dc/terms/">
  <title>{title}</title>
  <codemeta:author><codemeta:name>{author}</codemeta:name></codemeta:author>
  {inner}
</entry>""".encode()


def create_origin(url: str) -> str:
    """The element that creates an origin."""
    return f'<swh:deposit><swh:create_origin><swh:origin url="{url}"/></swh:create_origin></swh:deposit>'
