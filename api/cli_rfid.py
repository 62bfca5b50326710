"""Radio tags on the command line: what a list of contents means, and fixed readers over LLRP."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from api import cli_do, llrp_gateway, radio_counting
from api.cli_read import opened
from api.cli_terminal import REFUSED, USAGE, Stop, Terminal, at
from api.observing import OBSERVERS
from api.resolving import Seen, resolve
from domain.radio import threshold
from domain.words import Words
from labels import llrp
from labels.epc import BadEpc
from labels.epc_pasting import TEXT_CHARS_MAX, read_tags
from labels.identity import BadLabel
from projections.scope import EVERYTHING

app = typer.Typer(help="射频标签 · Radio tags.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="输出 JSON · JSON instead of text.")]
TAG = Words("标签", "tag")
MEANING = Words("含义", "meaning")
ASSET = Words("资产", "asset")
READS = Words("次数", "reads")
NO_PART = Words("您的岗位不参与盘点。", "Your role takes no part in counting things.")
NOT_HEARD = Words(
    "这次走查没有读到清单中的标签，或设备没有给出信号强度；没有定出下限。",
    "The walk heard none of the known tags, or the device says no strength; nothing was set.",
)


@app.command("read")
def read(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="文件；- 为标准输入 · File, or - for standard input.")
    ],
    json: Json = False,
) -> None:
    """识别一批标签内容，任意分隔，不记账 · Say what tag contents mean; nothing is recorded."""
    terminal = at(ctx, json)
    try:
        text = sys.stdin.read(TEXT_CHARS_MAX + 1) if str(file) == "-" else _text(file)
        found = read_tags(text)
    except BadEpc as bad:
        raise Stop(Words(bad.zh, bad.en), USAGE) from None
    with opened(terminal) as office:
        sightings = resolve(office, EVERYTHING, [Seen("rfid", one.hex) for one in found.tags])
    rows = [
        [one.identity, str(found.counts[one.hex]), sighting.sentence(terminal.lang), sighting.asset_no]
        for one, sighting in zip(found.tags, sightings, strict=True)
    ]  # fmt: skip
    if terminal.json:
        tags = [
            {"identity": row[0], "reads": int(row[1]), "verdict": s.verdict.value, "asset": s.asset}
            for row, s in zip(rows, sightings, strict=True)
        ]
        terminal.answer({"tags": tags, "unread": list(found.unread)})
        return
    terminal.table((TAG, READS, MEANING, ASSET), rows)
    if found.unread:
        terminal.say(
            f"{len(found.unread)} 处不是标签内容：{'、'.join(found.unread[:5])}",
            f"{len(found.unread)} pieces are no tag content: {', '.join(found.unread[:5])}",
        )


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > TEXT_CHARS_MAX * 4:
            raise BadEpc("文件过大，请分次导入。", "The file is too large; import it in parts.")
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise Stop(
            Words(f"读不了文件 {file}。", f"{file} cannot be read ({error.strerror})."), USAGE
        ) from None


@app.command("llrp")
def gateway(
    ctx: typer.Context,
    reader: Annotated[str, typer.Option(help="读写器地址 · Address of the reader.")],
    session: Annotated[str, typer.Option(help="所属盘点 · The count the readings belong to.")],
    login: Annotated[str, typer.Option("--as", help="账号 · Log-in.")],
    role: Annotated[str, typer.Option(help="岗位 · Role.")] = "",
    area: Annotated[str, typer.Option(help="地点标识 · Id of the place.")] = "",
    port: Annotated[int, typer.Option(help="端口 · Port.", min=1, max=65_535)] = llrp.PORT,
    seconds: Annotated[int, typer.Option(help="读多久（秒） · How long to read.", min=1, max=86_400)] = 60,
    json: Json = False,
) -> None:  # fmt: skip
    """从固定读写器（LLRP）接收读取结果 · Take readings from a fixed reader over LLRP."""
    terminal = at(ctx, json)
    with opened(terminal, must_exist=True) as office:
        actor = cli_do.sign_in(terminal, office, login, role)
        if actor.role not in OBSERVERS:
            raise Stop(NO_PART, REFUSED)
        counts: dict[str, int] = {}

        def told(found: dict[str, Any]) -> None:
            for result in found["results"]:
                if not result["again"]:
                    counts[result["verdict"]] = counts.get(result["verdict"], 0) + 1

        try:
            with llrp_gateway.reading(reader, port) as connected:
                reports = llrp_gateway.gather(
                    office, actor, connected, session=session, device=f"llrp-{reader}",
                    area=area, seconds=seconds, told=told,
                )  # fmt: skip
        except BadLabel as trouble:
            raise Stop(Words(trouble.zh, trouble.en), REFUSED) from None
    _told(terminal, reports, counts)


@app.command("calibrate")
def calibrate(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="区域内已知标签的清单 · List of the tags known to be there.")],
    session: Annotated[str, typer.Option(help="走查时用的会话 · Session of the walk.")],
    device: Annotated[str, typer.Option(help="设备标识 · Device.")],
    area: Annotated[str, typer.Option(help="地点标识 · Id of the place.")],
    login: Annotated[str, typer.Option("--as", help="账号 · Log-in.")],
    role: Annotated[str, typer.Option(help="岗位 · Role.")] = "",
    json: Json = False,
) -> None:  # fmt: skip
    """按已知标签的走查定出设备在某地点的信号下限 · Set what a device must hear in a place."""
    terminal = at(ctx, json)
    try:
        known = {tag.hex for tag in read_tags(_text(file)).tags}
    except BadEpc as bad:
        raise Stop(Words(bad.zh, bad.en), USAGE) from None
    with opened(terminal, must_exist=True) as office:
        actor = cli_do.sign_in(terminal, office, login, role)
        if actor.role not in OBSERVERS:
            raise Stop(NO_PART, REFUSED)
        inside, outside = radio_counting.walked(office, session, device, area, known)
        if not inside:
            raise Stop(NOT_HEARD, REFUSED)
        least, apart = threshold(inside, outside)
        office.readings.calibrate(device, area, least, session, actor.person)
    if terminal.json:
        found = {"rssi": least.rssi, "apart": apart, "heard": len(inside), "known": len(known)}
        terminal.answer(found | {"others": len(outside)})
        return
    terminal.say(
        f"信号下限 {least.rssi} dBm（已知标签读到 {len(inside)}/{len(known)} 个，其他 {len(outside)} 个）。",
        f"At least {least.rssi} dBm ({len(inside)} of {len(known)} known tags heard, {len(outside)}"
        " others).",
    )
    if not apart:
        terminal.say(
            "区域内外的信号强弱有重叠，仅凭下限分不开；请降低功率后重新走查。",
            "Tags inside and outside are heard alike, so no strength tells them apart; lower the"
            " power and walk again.",
        )


def _told(terminal: Terminal, reports: int, counts: dict[str, int]) -> None:
    if terminal.json:
        terminal.answer({"reports": reports, "verdicts": counts})
        return
    zh = "、".join(f"{verdict} {n}" for verdict, n in sorted(counts.items()))
    terminal.say(f"收到 {reports} 条读取。{zh}", f"{reports} reports came. {zh}")
