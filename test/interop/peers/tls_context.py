"""The context of the Python peers: one version of TLS, no check of certificates."""
import ssl


def make(role, version, key, cert):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if role == "server" else ssl.PROTOCOL_TLS_CLIENT)
    if role == "server":
        made.load_cert_chain(cert, key)
    else:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    made.minimum_version = made.maximum_version = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}[version]
    # Python sets it: OpenSSL's own way to make no difference.
    made.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    return made
