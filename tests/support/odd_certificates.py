"""Certificates as real clusters have them, and as they must not be, made with all the extensions of an authority."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_SIGNING = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    crl_sign=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True)
class Style:
    """What a certificate and those that it issues have."""

    key_usage: bool = True
    key_identifiers: bool = True
    critical: bool = True
    """Whether basicConstraints is critical."""
    names: Sequence[str] = ("127.0.0.1", "localhost")
    days: tuple[int, int] = (-1, 1)
    """From when to when it is valid, from today on."""


@dataclass(frozen=True)
class Issued:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        """The certificate alone."""
        return self.certificate.public_bytes(Encoding.PEM)

    def issue(self, style: Style, *, is_authority: bool = False) -> "Issued":
        """Sign another one."""
        return _issued(style, self, is_authority=is_authority)

    def serve_with(self, context: ssl.SSLContext, *between: "Issued") -> None:
        """Let a server show this certificate, and those between it and its authority, from its next connection on."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with TemporaryDirectory() as folder:
            path = Path(folder, "pem")
            path.write_bytes(key + self.pem + b"".join(each.pem for each in between))
            context.load_cert_chain(path)


def authority(style: Style = Style()) -> Issued:
    """Make an authority that has signed itself."""
    return _issued(style, None, is_authority=True)


def self_signed(style: Style = Style()) -> Issued:
    """Make a server's certificate that has signed itself, and is no authority."""
    return _issued(style, None, is_authority=False)


def _issued(style: Style, issuer: Issued | None, *, is_authority: bool) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"kube-node-dns {x509.random_serial_number()}")])
    signing = issuer.key if issuer else key
    first, last = (datetime.now(UTC) + timedelta(days=days) for days in style.days)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(first)
        .not_valid_after(last)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=style.critical)
    )
    if style.key_identifiers:
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        of_signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key())
        builder = builder.add_extension(own, critical=False).add_extension(of_signer, critical=False)
    if is_authority and style.key_usage:
        builder = builder.add_extension(_SIGNING, critical=True)
    if not is_authority:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        names = x509.SubjectAlternativeName([_general(each) for each in style.names])
        builder = builder.add_extension(usage, critical=False).add_extension(names, critical=False)
    return Issued(builder.sign(signing, hashes.SHA256()), key)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
