"""Python's own clients of protocols that begin in plaintext: upgrade.py smtp|ftp PORT."""
import ftplib
import smtplib
import ssl
import sys

protocol, port = sys.argv[1], int(sys.argv[2])
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE

if protocol == "smtp":
    client = smtplib.SMTP("127.0.0.1", port, timeout=15)
    client.ehlo("me")
    client.starttls(context=context)
    client.ehlo("me")
    print("through", client.sock.version(), client.esmtp_features)
    client.quit()
else:
    client = ftplib.FTP_TLS(context=context, timeout=15)
    client.connect("127.0.0.1", port)
    client.auth()
    client.login("me", "secret", secure=False)  # auth() was it
    print("ccc", client.ccc())
    print("plain", client.sendcmd("NOOP"))
    print("quit", client.quit())
