"""OpenLDAP of Debian as a process of the test's own: on free ports, in a folder that goes away."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from api import tls

HERE = ("127.0.0.1", 0)
BASE = "dc=example,dc=cn"
READER, READER_PASSWORD = f"cn=reader,{BASE}", "the reader's own password"
PASSWORD = "the directory's password"
SCHEMA = Path("/etc/ldap/schema")
CONFIGURATION = """
include {schema}/core.schema
include {schema}/cosine.schema
include {schema}/inetorgperson.schema
moduleload back_mdb
moduleload ppolicy
pidfile {folder}/pid
argsfile {folder}/args
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
allow bind_anon_cred
database mdb
suffix "{base}"
directory {folder}/data
rootdn "cn=root,{base}"
rootpw root
maxsize 10485760
overlay ppolicy
ppolicy_default "cn=policy,{base}"
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{reader}" read by self read by * none
"""
ENTRIES = f"""
dn: {BASE}
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: {READER}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: {READER_PASSWORD}

dn: cn=policy,{BASE}
objectClass: device
objectClass: pwdPolicy
cn: policy
pwdAttribute: userPassword
pwdLockout: TRUE

dn: ou=people,{BASE}
objectClass: organizationalUnit
ou: people
"""
PERSON = """
dn: uid={dn},ou={ou},{base}
objectClass: inetOrgPerson
uid: {uid}
cn: {uid}
sn: {uid}
employeeType: {kind}
userPassword: {password}
"""


@dataclass(frozen=True)
class Slapd:
    """A directory at work: where it listens, and what vouches for it."""

    pid: int
    plain: str
    guarded: str
    ca: Path

    def stop(self) -> None:
        """End it, and wait until it is gone."""
        try:
            watched = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            signal.pidfd_send_signal(watched, signal.SIGTERM)
            select.select([watched], [], [], 20)
        finally:
            os.close(watched)


def program() -> Path:
    """Return the server program; skip where there is none."""
    found = shutil.which("slapd", path="/usr/sbin:/usr/local/sbin:/usr/libexec:/usr/lib/openldap")
    if found is None or not SCHEMA.is_dir():
        pytest.skip("no slapd on this machine (apt-get install slapd)")
    return Path(found)


def person(
    uid: str, *, dn: str = "", ou: str = "people", kind: str = "staff", more: str = ""
) -> str:
    """Return somebody of the directory, as a file says it (LDIF)."""
    said = PERSON.format(dn=dn or uid, uid=uid, ou=ou, base=BASE, kind=kind, password=PASSWORD)
    return said.rstrip() + "\n" + more


@contextmanager
def slapd(folder: Path, *people: str) -> Iterator[Slapd]:
    """Run a directory with these people in it until it is left."""
    server = program()
    certificate = tls.issued(folder / "tls", ("127.0.0.1",))
    (folder / "data").mkdir()
    configuration = folder / "slapd.conf"
    values = {"schema": SCHEMA, "folder": folder, "base": BASE, "reader": READER}
    values |= {"certificate": certificate.chain, "key": certificate.key}
    configuration.write_text(CONFIGURATION.format(**values))
    entries = folder / "entries.ldif"
    entries.write_text(ENTRIES + "".join(people), encoding="utf-8")
    run(server, "-T", "add", "-f", configuration, "-l", entries)
    urls = started(server, configuration)
    running = Slapd(int((folder / "pid").read_text()), *urls, certificate.ca)
    try:
        yield running
    finally:
        running.stop()


def started(server: Path, configuration: Path) -> tuple[str, str]:
    """Start a server on two free ports; it takes calls when this returns."""
    for _ in range(5):  # somebody else may take a port first
        plain, guarded = free_ports()
        urls = (f"ldap://127.0.0.1:{plain}", f"ldaps://127.0.0.1:{guarded}")
        # It goes into the background once its ports are its own, and listens a moment later.
        if run(server, "-f", configuration, "-h", " ".join(urls), check=False) == 0:
            for port in (plain, guarded):
                listens(port)
            return urls
    raise AssertionError("slapd found no port")


def listens(port: int) -> None:
    """Return as soon as somebody takes calls on a port."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with closing(socket.socket()) as caller:
            if caller.connect_ex((HERE[0], port)) == 0:
                return
        os.sched_yield()
    raise AssertionError("slapd does not listen")


def run(*command: object, check: bool = True) -> int:
    """Run a command that leaves nothing open here; fail with what it said."""
    with TemporaryFile() as said:
        words = [str(word) for word in command]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        said.seek(0)
        assert not check or done.returncode == 0, said.read().decode()
    return done.returncode


def free_ports() -> tuple[int, int]:
    """Return two ports of this machine that nobody listens on."""
    with closing(socket.create_server(HERE)) as one, closing(socket.create_server(HERE)) as two:
        return one.getsockname()[1], two.getsockname()[1]
