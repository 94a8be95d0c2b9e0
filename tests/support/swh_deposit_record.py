"""The tables of a swh-deposit 3.0.1, in a schema of the test's database; ``tests/interop`` has the real server."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.contrib.auth.hashers import make_password
from django.db import connection

SCHEMA = "swh_deposit"
PASSWORD = "what ada types"
_TABLES = f"""
DROP SCHEMA IF EXISTS {SCHEMA} CASCADE;
CREATE SCHEMA {SCHEMA};
SET LOCAL search_path TO {SCHEMA};
CREATE TABLE django_migrations (app text, name text);
INSERT INTO django_migrations VALUES ('deposit', '0024_deposit_software_version_and_release_notes'),
    ('deposit', '0025_set_release_data');
CREATE TABLE auth_user (id serial PRIMARY KEY, username text UNIQUE, password text, first_name text DEFAULT '',
    last_name text DEFAULT '', email text DEFAULT '', is_active boolean DEFAULT true, is_staff boolean DEFAULT false,
    is_superuser boolean DEFAULT false, date_joined timestamptz DEFAULT now());
CREATE TABLE deposit_client (user_ptr_id integer PRIMARY KEY REFERENCES auth_user, collections integer[],
    provider_url text, domain text);
CREATE TABLE deposit_collection (id bigserial PRIMARY KEY, name text);
CREATE TABLE deposit (id bigserial PRIMARY KEY, reception_date timestamptz DEFAULT '2024-02-03 04:05:06.789Z',
    complete_date timestamptz, collection_id bigint, external_id text, origin_url text, client_id integer, swhid text,
    swhid_context text, status text, status_detail jsonb, parent_id bigint, type varchar(4) DEFAULT 'code',
    software_version text DEFAULT '', release_notes text DEFAULT '');
CREATE TABLE deposit_request (id bigserial PRIMARY KEY, deposit_id bigint, date timestamptz DEFAULT now(),
    metadata jsonb, raw_metadata text, archive varchar(100), type varchar(8));
"""  # noqa: S608


def database_url() -> str:
    """The URL with which the tables are read."""
    connection.ensure_connection()
    info = connection.connection.info
    password = quote(connection.settings_dict["PASSWORD"], safe="")
    host = quote(info.host, safe="")
    return (
        f"postgresql://{info.user}:{password}@/{info.dbname}?host={host}&port={info.port}"
        f"&options=-csearch_path%3D{SCHEMA}"
    )


class SwhDepositRecord:
    """Fills the tables. ``uploads``: the folder of its packages."""

    def __init__(self, uploads: Path) -> None:
        self.uploads = uploads
        with connection.cursor() as cursor:
            cursor.execute("BEGIN;" + _TABLES + "COMMIT")
        self.collection = self._insert("deposit_collection", name="hal")
        self.client = self.user("ada")

    def _insert(self, table: str, **values: Any) -> int:
        names, places = ", ".join(values), ", ".join(["%s"] * len(values))
        key = "user_ptr_id" if table == "deposit_client" else "id"
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {SCHEMA}.{table} ({names}) VALUES ({places}) RETURNING {key}",  # noqa: S608
                list(values.values()),
            )
            return int(cursor.fetchone()[0])

    def change(self, table: str, row: int, **values: Any) -> None:
        """Change a row."""
        with connection.cursor() as cursor:
            for name, value in values.items():
                cursor.execute(f"UPDATE {SCHEMA}.{table} SET {name} = %s WHERE id = %s", [value, row])  # noqa: S608

    def user(self, username: str, *, client: bool = True, **fields: Any) -> int:
        """A user, and the depositor that it is."""
        client_fields = {name: fields.pop(name) for name in ("provider_url", "domain") if name in fields}
        password = fields.pop("password", None) or make_password(PASSWORD, hasher="pbkdf2_sha256")
        number = self._insert("auth_user", username=username, password=password, **fields)
        if client:
            given = {"provider_url": "https://hal.example.org/", "domain": "hal.example.org", **client_fields}
            self._insert("deposit_client", user_ptr_id=number, collections=[self.collection], **given)
        return number

    def add_collection(self, name: str) -> int:
        """A collection."""
        return self._insert("deposit_collection", name=name)

    def deposit(self, status: str = "done", *, package: bytes | None = b"PK", **fields: Any) -> int:
        """A deposit with a document and a package."""
        swhid = "swh:1:dir:" + "a" * 40
        given: dict[str, Any] = {"client_id": self.client, "collection_id": self.collection, "status": status}
        if status not in ("partial", "expired"):
            given["complete_date"] = "2024-02-03 05:00:00Z"
        if status == "done":
            origin = "https://hal.example.org/one"
            context = f"{swhid};origin={origin};visit=swh:1:snp:{'b' * 40};anchor=swh:1:rel:{'c' * 40};path=/"
            given |= {"swhid": swhid, "swhid_context": context, "origin_url": origin}
        number = self._insert("deposit", **(given | fields))
        self.request(number, raw_metadata=ENTRY.format(number))
        if package is not None:
            self.package(number, package)
        return number

    def request(self, deposit: int, **fields: Any) -> int:
        """A request."""
        kind = "archive" if fields.get("archive") else "metadata"
        return self._insert("deposit_request", **{"deposit_id": deposit, "type": kind, **fields})

    def package(self, deposit: int, content: bytes, name: str = "one.zip") -> Path:
        """A package, on its disk and in its tables."""
        archive = f"client_{self.client}/20240203-040506.789000/{deposit}/{name}"
        path = self.uploads / archive
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.request(deposit, archive=archive)
        return path


ENTRY = '<entry xmlns="http://www.w3.org/2005/Atom"><title>Number {}</title><author><name>Ada</name></author></entry>'
