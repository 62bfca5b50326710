"""射频标签 · Radio tags: EPC content to its identity."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.measuring import Bar, Figure, collector_off, medians, seconds, short
from benchmarks.places import Place
from labels import epc

TAGS = 1_000_000


def run(place: Place) -> Iterator[Figure]:
    """Yield decoding of a flood of GIAI-96 tags, and of a mixture, over reading the numbers."""
    tags = place.size(TAGS)
    contents = [epc.giai("697123456", str(10**11 + n * 7_919)).hex for n in range(tags)]
    mixed = [_other(n) if n % 20 == 0 else content for n, content in enumerate(contents)]
    uris = epc.tag_uris(mixed)
    assert uris[1] == "urn:epc:tag:giai-96:0.697123456.100000007919"
    assert all(epc.encode(uri).hex == mixed[n] for n, uri in enumerate(uris[:500]))
    with collector_off():
        pure, mixture, floor = medians(
            place.times(tags),
            lambda: tags / seconds(lambda: epc.tag_uris(contents)),
            lambda: tags / seconds(lambda: epc.tag_uris(mixed)),
            lambda: tags / seconds(lambda: [int(content, 16) for content in contents]),
        )
    for work, ours, bar in (
        ("GIAI-96 of one prefix", pure, Bar(least=1_000_000)),
        ("5 % foreign, 202-bit and factory tags", mixture, Bar()),
    ):
        yield Figure(
            work=f"{work}, {short(tags)}",
            ours=ours,
            unit="tags/s",
            floor=floor,
            beside="hexadecimal to integer",
            bar=bar,
        )


def _other(n: int) -> str:
    match n // 20 % 3:
        case 0:
            return epc.giai("697123456", f"ZC-2026.{n:06d}", bits=202).hex
        case 1:
            return epc.encode(f"urn:epc:tag:sgtin-96:1.0614141.812345.{n}").hex
        case _:
            return f"E2801190200050C1{n:08X}"
