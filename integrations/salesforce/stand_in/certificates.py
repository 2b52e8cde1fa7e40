"""A certificate authority of the stand-in's own, and the certificate of its TLS host."""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFE = timedelta(days=365)
RENEW_BEFORE = timedelta(days=7)
CA_FILE, SERVER_FILE = "stand-in-ca.pem", "stand-in-server.pem"


def ensure_certificates(directory: Path) -> tuple[Path, Path]:
    """Return the paths of the CA bundle and of the server's key with certificate, making them where needed."""
    ca_path, server_path = directory / CA_FILE, directory / SERVER_FILE
    if not (ca_path.exists() and server_path.exists() and is_fresh(ca_path)):
        directory.mkdir(parents=True, exist_ok=True)
        ca_pem, server_pem = make_certificates()
        write_privately(server_path, server_pem)
        ca_path.write_bytes(ca_pem)
    return ca_path, server_path


def is_fresh(path: Path) -> bool:
    """Whether the certificate in a file is good for a while yet."""
    until = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    return until - RENEW_BEFORE > datetime.now(UTC)


def make_certificates() -> tuple[bytes, bytes]:
    """Make a CA certificate, and a server's key followed by its certificate, as PEM."""
    ca_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Salesforce stand-in CA")])
    ca = sign_certificate(ca_name, ca_key.public_key(), ca_name, ca_key, is_ca=True)
    server_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    server = sign_certificate(server_name, server_key.public_key(), ca_name, ca_key, is_ca=False)
    key = server_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return ca.public_bytes(serialization.Encoding.PEM), key + server.public_bytes(serialization.Encoding.PEM)


def sign_certificate(
    subject: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    is_ca: bool,
) -> x509.Certificate:
    """Make one certificate, for the CA itself or for localhost and the loopback addresses."""
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + LIFE)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=0 if is_ca else None), critical=True)
        .add_extension(key_usage(is_ca), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if not is_ca:
        addresses = [x509.IPAddress(ipaddress.ip_address(each)) for each in ("127.0.0.1", "::1")]
        names = x509.SubjectAlternativeName([x509.DNSName("localhost"), *addresses])
        builder = builder.add_extension(names, critical=False)
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(usage, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def key_usage(is_ca: bool) -> x509.KeyUsage:
    """What a key may do: sign certificates, or speak TLS."""
    return x509.KeyUsage(
        digital_signature=not is_ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        encipher_only=False,
        decipher_only=False,
    )


def write_privately(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(data)
