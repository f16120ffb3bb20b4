"""What a stack finds: an administrator's role, and a certificate."""

from datetime import UTC, datetime, timedelta

from clients import client_of
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def make(region: str) -> dict[str, str]:
    """ARNs, by what they are."""
    trust = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}'
    role = client_of("iam", region).create_role(RoleName="administrators", AssumeRolePolicyDocument=trust)
    key, pem = _self_signed("canton.example.com")
    certificate = client_of("acm", region).import_certificate(Certificate=pem, PrivateKey=key)
    return {"administrator": role["Role"]["Arn"], "certificate": certificate["CertificateArn"]}


def _self_signed(name: str) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM)
