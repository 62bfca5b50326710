"""Open the demonstration and serve the ledger from the command line."""

from __future__ import annotations

import errno
import importlib.util
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import typer

from api import label_keys, logs, processes, signing_in, tls
from api.cli_read import settings_of
from api.cli_terminal import UNAVAILABLE, USAGE, Stop, Terminal, troubles
from api.notarising import ONE_MACHINE, Place, Watch
from api.office import Office
from api.settings import Settings
from api.settings_sign import Unusable
from domain.words import Words
from labels.identity import BadLabel
from projections.store import Progress

BACKLOG = 2048
SECRET_BYTES = 32
DEMO_ORIGIN = "demo.gongwu.example/warehouse"
DEMO_SECONDS = 5
NOT_WORKING = Words(
    "服务进程一启动就退出，已停止；原因见上面的输出。",
    "The processes ended as soon as they began, and so it stopped; see above for the reason.",
)


def demo(
    terminal: Terminal, folder: Path, host: str, port: int, *, load_only: bool = False
) -> None:
    """Load the demonstration once, say how to get in, and serve it until it is stopped."""
    from api import demo as demonstration

    listener = None if load_only else listen(host, port)
    folder.mkdir(parents=True, exist_ok=True)
    place = Place(folder / "notary")
    if not place.key.exists():
        place.make(DEMO_ORIGIN)
    settings = msgspec.structs.replace(
        Settings.from_env(),
        database=terminal.database or f"sqlite:///{folder / 'gongwu.db'}",
        host=host,
        port=port,
        demo=True,
        catalogue=True,
        files=folder,
        label_secret=label_secret(folder),
        label_signing="d:" + label_secret(folder, "label-signing-key").hex(),
        trust=place.policy,
    )
    office = open_office(terminal, settings)
    with terminal.progress(Words("装入样例数据", "Loading sample data")) as tick:
        bar = tick

        def told(zh: str, en: str, done: int, total: int) -> None:
            bar(done, total, Words(zh, en))

        loaded = demonstration.load(office.book, office.models, office.accounts, told)
    size = office.book.head()[0]
    if load_only:
        office.close()
        if terminal.json:
            terminal.answer({"database": settings.database, "size": size, "loaded": bool(loaded)})
        terminal.say(f"样例数据已就绪：{size:,} 条记录。", f"Sample data ready: {size:,} entries.")
        return
    assert listener is not None
    embed(office, place)
    welcome(terminal, listener, size, demonstration)
    run(settings, office, listener)


def serve(
    terminal: Terminal,
    host: str,
    port: int,
    *,
    tls_names: list[str] | None = None,
    number: int = 1,
) -> None:
    """Serve the ledger of the settings until it is stopped; over HTTPS when names are given.

    By so many processes, which one server must have room for.
    """
    settings = settings_of(terminal)
    if number > 1 and settings.database.startswith("sqlite:"):
        raise Stop(processes.ONE_FILE, USAGE)
    changed: dict[str, Any] = {"host": host} if host else {}
    changed |= {"port": port} if port >= 0 else {}
    settings = msgspec.structs.replace(settings, **changed)
    try:
        label_keys.keys(settings)  # a key written wrongly is told now, not at the first label
    except BadLabel as bad:
        raise Stop(Words(bad.zh, bad.en), USAGE) from None
    try:
        signing_in.prove(settings)
    except Unusable as unusable:
        raise Stop(unusable.words, USAGE) from None
    certificate = None
    if tls_names is not None:
        names = tuple(dict.fromkeys([*tls_names, *tls.here(settings.host)]))
        certificate = tls.issued(settings.files / "gongwu-tls", names)
        settings = msgspec.structs.replace(settings, https=True, ca=certificate.ca)
    listener = listen(settings.host, settings.port)
    office = open_office(terminal, settings) if number == 1 else None
    if office is None and (code := prepared(terminal, settings)):
        raise typer.Exit(code)
    url = address(listener)
    if certificate is not None:
        url = url.replace("http:", "https:", 1)
        vouch(terminal, certificate, listener.getsockname()[1])
    terminal.say(f"公物账本：{url}  （按 Ctrl+C 停止）", f"Gongwu: {url}  (Ctrl+C stops it)")
    if office is not None:
        run(settings, office, listener, certificate)
        return
    try:
        processes.in_several(
            number, alone(terminal, lambda: served(terminal, settings, listener, certificate))
        )
    except processes.NotWorking:
        raise Stop(NOT_WORKING, UNAVAILABLE) from None


def prepared(terminal: Terminal, settings: Settings) -> int:
    """Make tables and bring lists up to date before several processes begin; return an exit code.

    In a process that ends: what is open in us when others begin would be theirs too.
    """
    import api.app  # noqa: F401 - loaded once, for all of them

    return processes.in_one(alone(terminal, lambda: open_office(terminal, settings).close()))


def alone(terminal: Terminal, work: Callable[[], None]) -> Callable[[], int]:
    """Return work as a process does it by itself: its troubles are told, and end it."""

    def do() -> int:
        try:
            with troubles(lambda: terminal):
                work()
        except typer.Exit as told:
            return told.exit_code
        return 0

    return do


def served(
    terminal: Terminal,
    settings: Settings,
    listener: socket.socket,
    certificate: tls.Certificate | None,
) -> None:
    """Be one of several processes that serve."""
    run(settings, open_office(terminal, settings), listener, certificate)


def vouch(terminal: Terminal, certificate: tls.Certificate, port: int) -> None:
    """Say what the certificate is for, and how phones come to trust it."""
    names = "、".join(certificate.names)
    terminal.say(
        f"HTTPS 证书由本机自制的证书机构签发，适用于：{names}。",
        f"HTTPS with a certificate of this machine's own authority, for: {', '.join(certificate.names)}.",
    )
    terminal.say(
        f"手机第一次使用：打开 https://{certificate.names[0]}:{port}/ca ，核对指纹后安装证书"
        f"（{certificate.ca}）。未列出的地址用 --tls-name 加上；要让其他机器访问用 --host 0.0.0.0。",
        f"On each phone once: open https://{certificate.names[0]}:{port}/ca, compare the fingerprint,"
        f" install the certificate ({certificate.ca}). Add other addresses by --tls-name; for other"
        " machines to get in, --host 0.0.0.0.",
    )
    terminal.say(f"指纹 {certificate.fingerprint}", f"Fingerprint {certificate.fingerprint}")


def embed(office: Office, place: Place) -> None:
    """Sign beside the service, for a demonstration: one machine holds key and database."""
    watch = Watch(place, place.notary(), office.book, seconds=DEMO_SECONDS)
    office.proving.one_machine = True
    office.closing.append(watch.stop)
    watch.start()


def open_office(terminal: Terminal, settings: Settings) -> Office:
    """Open the ledger, showing how far its lists are."""
    with terminal.progress(Words("更新列表", "Bringing lists up to date")) as tick:
        progress: Progress = tick
        office = Office.open(settings, progress)
    if (closed := office.accounts.closed) is not None:
        terminal.say(closed.zh, closed.en)
    return office


def label_secret(folder: Path, name: str = "label-secret") -> bytes:
    """Return a secret of the demonstration's labels, made at the first start and kept."""
    file = folder / name
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_hex(SECRET_BYTES))
    return bytes.fromhex(file.read_text().strip())


def listen(host: str, port: int) -> socket.socket:
    """Take the port before anything is loaded; Stop with what to do when it is taken."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(found[0], socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(found[4])
        listener.listen(BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            said = Words(
                f"端口 {port} 已被占用：可能已有一个公物账本在运行，请直接打开 http://{host}:{port}；"
                f"或换一个端口：--port {port + 1}。",
                f"Port {port} is taken: perhaps Gongwu runs already, then open"
                f" http://{host}:{port}; or choose another one: --port {port + 1}.",
            )
        else:
            said = Words(
                f"无法在 {host}:{port} 监听（{error.strerror}）；请换一个地址或端口。",
                f"Cannot listen on {host}:{port} ({error.strerror}); choose another one.",
            )
        raise Stop(said, UNAVAILABLE) from None
    return listener


def address(listener: socket.socket) -> str:
    """Return the address people open."""
    host, port = listener.getsockname()[:2]
    host = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def welcome(terminal: Terminal, listener: socket.socket, size: int, demonstration: Any) -> None:
    """Say where to look, how to get in and how to stop."""
    url = address(listener)
    if terminal.json:
        people = [
            {"login": p.login, "roles": list(p.roles), "password": demonstration.PASSWORD}
            for p in demonstration.PEOPLE
        ]
        terminal.answer({"address": url, "size": size, "people": people})
        return
    terminal.say(f"公物演示账本已就绪，共 {size:,} 条记录。", f"Gongwu is ready: {size:,} entries.")
    terminal.say(f"打开：{url}", f"Open: {url}")
    terminal.say(
        f"演示账号（密码均为 {demonstration.PASSWORD}）：",
        f"Demo log-ins (the password is always {demonstration.PASSWORD}):",
    )
    terminal.table(
        [Words("账号", "log-in"), Words("岗位", "roles"), Words("单位", "unit")],
        [
            [p.login, "、".join(terminal.told(Words.of(r)) for r in p.roles), p.unit]
            for p in demonstration.PEOPLE
        ],
    )
    terminal.say(ONE_MACHINE.zh, ONE_MACHINE.en)
    terminal.say("按 Ctrl+C 停止。", "Ctrl+C stops it.")


def run(
    settings: Settings,
    office: Office,
    listener: socket.socket,
    certificate: tls.Certificate | None = None,
) -> None:
    """Serve until a signal comes, in this process."""
    import uvicorn
    from uvicorn.config import LOGGING_CONFIG

    from api.app import create_app

    logs.begin(settings.log)
    fast = importlib.util.find_spec("uvloop") is not None
    quick = importlib.util.find_spec("httptools") is not None
    config = uvicorn.Config(
        create_app(settings, office),
        loop="uvloop" if fast else "asyncio",
        http="api.wire:Bounded" if quick else "h11",
        log_config=None if settings.log == "json" else LOGGING_CONFIG,
        log_level="info" if settings.log == "json" else "warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
        ssl_certfile=certificate.chain if certificate else None,
        ssl_keyfile=certificate.key if certificate else None,
    )
    # Ctrl+C is how people stop it: that is no failure.
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])
