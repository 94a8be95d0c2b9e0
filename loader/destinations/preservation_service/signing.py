"""The signature of a SIP: ``signature.sig``, S/MIME (PKCS #7, detached) over a line with the digest of METS."""

import hashlib
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509 import Certificate, load_pem_x509_certificates

# What the service's verifier (dpres-signature) knows: SHA-1 in every version, SHA-256 from 0.16 on.
DIGESTS = ("sha1", "sha256")
_CHUNK = 1024 * 1024


class SigningError(Exception):
    """The key or the certificate cannot be used; the message says why."""


def manifest(mets: Path, algorithm: str) -> bytes:
    """The line that is signed: ``mets.xml:<algorithm>:<digest in hexadecimal>``. Raises SigningError."""
    if algorithm not in DIGESTS:
        raise SigningError(f"SIP_SIGN_DIGEST is {algorithm!r}; the service knows {' and '.join(DIGESTS)}.")
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with mets.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return f"{mets.name}:{algorithm}:{digest.hexdigest()}".encode()


def sign(mets: Path, signature: Path, key_file: Path, *, digest: str = "sha1") -> None:
    """Write the signature of ``mets`` to ``signature``; ``key_file`` is PEM, with the private key and its certificate.

    ``digest`` is that of METS in the signed line: the signature itself is always made with SHA-256. Every verifier
    knows SHA-1 there, and the sender gains nothing by a collision with a document of their own. Raises SigningError,
    OSError.
    """
    key, certificate, others = _load(key_file.read_bytes())
    line = manifest(mets, digest)
    builder = pkcs7.PKCS7SignatureBuilder().set_data(line).add_signer(certificate, key, hashes.SHA256())
    for other in others:
        builder = builder.add_certificate(other)
    signed = builder.sign(
        serialization.Encoding.SMIME,
        [pkcs7.PKCS7Options.DetachedSignature],
    )
    half = signature.with_suffix(".new")
    half.write_bytes(signed)
    half.replace(signature)


def _load(
    pem: bytes,
) -> tuple[rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, Certificate, list[Certificate]]:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
        certificate, *others = load_pem_x509_certificates(pem)
    except (ValueError, TypeError) as error:
        raise SigningError(
            f"SIP_SIGN_KEY must hold a private key and its certificate in PEM: {error}"
        ) from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise SigningError("SIP_SIGN_KEY must hold an RSA or EC key.")
    return key, certificate, others
