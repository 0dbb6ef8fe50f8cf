"""TLS for loopback servers: kubectl sends no token to a server without it."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Certificate:
    """A certificate for 127.0.0.1 and the authority that signed it."""

    authority: trustme.CA
    leaf: trustme.LeafCert

    @property
    def authority_pem(self) -> bytes:
        """What clients must trust."""
        return self.authority.cert_pem.bytes()

    def server_context(self) -> ssl.SSLContext:
        """Give what `Server(service, tls=…)` takes."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.leaf.configure_cert(context)
        return context

    def write(self, chain: Path, key: Path) -> None:
        """Write certificate and private key for a server that reads files."""
        chain.write_bytes(b"".join(blob.bytes() for blob in self.leaf.cert_chain_pems))
        self.leaf.private_key_pem.write_to_path(str(key))


def loopback_certificate() -> Certificate:
    """Make a certificate for 127.0.0.1 from an authority of its own."""
    authority = trustme.CA()
    return Certificate(authority, authority.issue_cert("127.0.0.1", "localhost"))
