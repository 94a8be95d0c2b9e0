"""Access tokens of the identity provider, verified without asking it."""

import base64
import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client as HttpClient
from jwcrypto import jwk, jwt

from deposit.authentication.identity import IdentityProvider
from deposit.authentication.provider import provider
from deposit.models import Client
from deposit.refusals import Refusal
from tests.support.identity.server import IdentityServer

Forge = Callable[[IdentityServer], str]


def ask(http: HttpClient, token: str) -> Any:
    return http.get("/1/servicedocument/", headers={"Authorization": f"Bearer {token}"})


def unsigned(server: IdentityServer) -> str:
    header, claims = ({"alg": "none", "kid": server.key["kid"]}, server.claims_of("ada"))
    pieces = [base64.urlsafe_b64encode(json.dumps(piece).encode()).rstrip(b"=") for piece in (header, claims)]
    return b".".join([*pieces, b""]).decode()


def signed_with_the_public_key_as_a_secret(server: IdentityServer) -> str:
    secret = base64.urlsafe_b64encode(server.key.export_to_pem()).rstrip(b"=").decode()
    forged = jwt.JWT(header={"alg": "HS256", "kid": server.key["kid"]}, claims=server.claims_of("ada"))
    forged.make_signed_token(jwk.JWK(kty="oct", k=secret))
    return str(forged.serialize())


def signed_by_another(server: IdentityServer) -> str:
    mine = jwk.JWK.generate(kty="RSA", size=2048, kid=server.key["kid"])
    return server.token("ada", key=mine)


def carrying_its_own_key(server: IdentityServer) -> str:
    mine = jwk.JWK.generate(kty="RSA", size=2048, kid="mine")
    return server.token("ada", key=mine, header={"jwk": json.loads(mine.export_public())})


def altered(server: IdentityServer) -> str:
    head, _, tail = server.token("ada").split(".")
    claims = base64.urlsafe_b64encode(json.dumps(server.claims_of("root")).encode()).rstrip(b"=").decode()
    return f"{head}.{claims}.{tail}"


def encrypted(server: IdentityServer) -> str:
    header = {"alg": "RSA-OAEP", "enc": "A256GCM", "kid": server.key["kid"]}
    sealed = jwt.JWT(header=header, claims=server.claims_of("ada"))
    public = json.loads(server.key.export_public()) | {"use": "enc", "alg": "RSA-OAEP"}
    sealed.make_encrypted_token(jwk.JWK(**public))
    return str(sealed.serialize())


FORGERIES: dict[str, Forge] = {
    "unsigned": unsigned,
    "the public key as a secret": signed_with_the_public_key_as_a_secret,
    "another's signature": signed_by_another,
    "its own key": carrying_its_own_key,
    "altered claims": altered,
    "encrypted": encrypted,
    "no kid": lambda server: server.token("ada", header={"kid": "unknown"}),
    "expired": lambda server: server.token("ada", exp=int(time.time()) - 60),
    "never expiring": lambda server: server.token("ada", exp=None),
    "an expiry that is no number": lambda server: server.token("ada", exp="tomorrow"),
    "not yet valid": lambda server: server.token("ada", nbf=int(time.time()) + 60),
    "another issuer": lambda server: server.token("ada", iss="https://elsewhere.example.org/realms/science"),
    "no issuer": lambda server: server.token("ada", iss=None),
    "another audience": lambda server: server.token("ada", aud=["another-service"]),
    "no audience": lambda server: server.token("ada", aud=None),
    "an identity token": lambda server: server.token("ada", typ="ID"),
    "a token of no type": lambda server: server.token("ada", typ=None),
    "a refresh token": lambda server: server.token("ada", typ="Refresh"),
    "rubbish": lambda server: "x.y.z",
    "empty pieces": lambda server: "..",
    "one piece": lambda server: "x",
    "claims that are no object": lambda server: _signed(server, b"[]"),
    "claims that are no JSON": lambda server: _signed(server, b"{"),
}


def _signed(server: IdentityServer, payload: bytes) -> str:
    from jwcrypto import jws  # noqa: PLC0415

    signed = jws.JWS(payload)
    header = json.dumps({"alg": "RS256", "kid": server.key["kid"]})
    signed.add_signature(server.key, None, header, None)
    return str(signed.serialize(compact=True))


def test_an_access_token_opens(client: HttpClient, ada: Client, identity: IdentityServer) -> None:
    token = identity.token("ada")
    assert [ask(client, token).status_code for _ in range(3)] == [200, 200, 200]
    assert identity.asked == ["certs"]


def test_an_audience_may_stand_alone(client: HttpClient, ada: Client, identity: IdentityServer) -> None:
    assert ask(client, identity.token("ada", aud="swh-deposit")).status_code == 200


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_bad_token_opens_nothing(
    client: HttpClient, ada: Client, identity: IdentityServer, forge: Forge
) -> None:
    response = ask(client, forge(identity))
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="deposit", error="invalid_token"'


def test_a_token_without_the_role_is_forbidden(
    client: HttpClient, ada: Client, identity: IdentityServer
) -> None:
    assert ask(client, identity.token("ada", resource_access={})).status_code == 403


def test_a_token_of_nobody_known_is_told_so(
    client: HttpClient, ada: Client, identity: IdentityServer
) -> None:
    assert ask(client, identity.token("bob")).status_code == 401


def test_keys_go_on_working_when_the_provider_is_away(
    client: HttpClient, ada: Client, identity: IdentityServer
) -> None:
    assert ask(client, identity.token("ada")).status_code == 200
    identity.broken = True
    assert ask(client, identity.token("ada")).status_code == 200


def test_a_slow_provider_holds_up_nobody_whose_key_is_known(ada: Client, identity: IdentityServer) -> None:
    identity_provider = hasty(identity)
    token = identity.token("ada")
    identity_provider.verify(token)
    identity.delay = 30
    began, waited = time.monotonic(), []

    def verify() -> None:
        identity_provider.verify(token)
        waited.append(time.monotonic() - began)

    threads = [threading.Thread(target=verify) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # One asks for newer keys, in vain; the others go by the ones that there are.
    assert sorted(seconds > 3 for seconds in waited) == [False] * 4 + [True]


@pytest.mark.parametrize(
    "answer", [{}, {"keys": [{}]}, {"keys": [{"kty": "RSA", "kid": "x"}]}, {"keys": None}]
)
def test_keys_that_cannot_be_read_replace_none(
    ada: Client, identity: IdentityServer, answer: dict[str, Any], monkeypatch: Any
) -> None:
    identity_provider, fresh = hasty(identity), hasty(identity)
    token = identity.token("ada")
    identity_provider.verify(token)
    monkeypatch.setattr(identity, "answer", lambda *_: (200, answer))
    assert identity_provider.verify(token)["preferred_username"] == "ada"
    with pytest.raises(Refusal) as refused:
        fresh.verify(token)
    assert refused.value.code == "auth.provider_away"


def test_without_any_key_and_provider_it_is_a_503(
    client: HttpClient, ada: Client, identity: IdentityServer
) -> None:
    identity.broken = True
    assert ask(client, identity.token("ada")).status_code == 503


def hasty(identity: IdentityServer) -> IdentityProvider:
    """The provider of the settings, without its patience."""
    known = provider()
    assert known is not None
    return IdentityProvider(replace(known.realm, down_seconds=0.0, keys_seconds=0.0))


def test_a_new_key_is_found_and_a_withdrawn_one_forgotten(ada: Client, identity: IdentityServer) -> None:
    identity_provider = hasty(identity)
    old = identity.token("ada")
    assert identity_provider.verify(old)["preferred_username"] == "ada"
    identity.rotate()
    assert identity_provider.verify(identity.token("ada"))["preferred_username"] == "ada"
    with pytest.raises(Exception, match="invalid, expired or revoked"):
        identity_provider.verify(old)


def test_invented_key_names_do_not_make_us_ask(
    client: HttpClient, ada: Client, identity: IdentityServer
) -> None:
    ask(client, identity.token("ada"))
    for number in range(5):
        ask(client, identity.token("ada", header={"kid": f"invented{number}"}))
    assert identity.asked == ["certs"]
