"""The signature of a SIP: ``signature.sig``, S/MIME (PKCS #7, detached) over a line with the digest of METS."""

import hashlib
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509 import Certificate, load_pem_x509_certificates

_CHUNK = 1024 * 1024


class SigningError(Exception):
    """The key or the certificate cannot be used; the message says why."""


def manifest(mets: Path, algorithm: str = "sha256") -> bytes:
    """The line that is signed: ``mets.xml:<algorithm>:<digest in hexadecimal>``."""
    digest = hashlib.new(algorithm)
    with mets.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return f"{mets.name}:{algorithm}:{digest.hexdigest()}".encode()


def sign(mets: Path, signature: Path, key_file: Path) -> None:
    """Write the signature of ``mets`` to ``signature``; ``key_file`` is PEM, with the private key and its certificate.

    Raises SigningError, OSError.
    """
    key, certificate, others = _load(key_file.read_bytes())
    builder = (
        pkcs7.PKCS7SignatureBuilder().set_data(manifest(mets)).add_signer(certificate, key, hashes.SHA256())
    )
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
