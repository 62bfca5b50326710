#!/usr/bin/env bash
# Remake the bundled fonts from Noto Sans CJK 2.004 (SIL OFL 1.1), as packed by Debian and Ubuntu.
# Needs: fonttools (pyftsubset), and the folder with NotoSansCJK-Regular.ttc and NotoSansCJK-Bold.ttc:
#   apt-get install fonts-noto-cjk && labels/fonts/subset.sh /usr/share/fonts/opentype/noto
# A TTC's face 0 is Japanese; the simplified Chinese faces are 2 (Sans) and 7 (Sans Mono).
set -euo pipefail
source_folder=${1:?usage: subset.sh FOLDER_WITH_NOTO_SANS_CJK}
here=$(cd "$(dirname "$0")" && pwd)
characters=$(mktemp)
trap 'rm -f "$characters"' EXIT

# 通用规范汉字表 (State Council 2013, 8,105 characters) covers what names of people and places may
# be written with; GB/T 2312 adds the symbols; the rest is what forms and units of measure use.
python3 - "$here/tgscc.txt" > "$characters" <<'PY'
import sys

wanted = set(open(sys.argv[1], encoding="utf-8").read().split())
assert len(wanted) == 8105, len(wanted)
for row in range(0xA1, 0xF8):
    for cell in range(0xA1, 0xFF):
        wanted.update(bytes([row, cell]).decode("gb2312", "ignore"))
for first, last in ((0x20, 0x7E), (0xA0, 0xFF), (0xFF01, 0xFF5E)):
    wanted.update(map(chr, range(first, last + 1)))
wanted.update("‐–—‘’“”…‰′″€℃№™Ωµ□■○●△▲☆★✓㎡㎜㎝㎞㎏￥〇〓䶮㙍𬭊")
sys.stdout.buffer.write("".join(sorted(wanted)).encode())
PY

subset() { # face number, source, target, characters...
  pyftsubset "$source_folder/$2" --font-number="$1" --output-file="$here/$3" "${@:4}" \
    --layout-features='' --hinting --name-IDs='*' --no-recalc-timestamp \
    --drop-tables+=BASE,GDEF,GPOS,GSUB,VORG,vhea,vmtx
}
subset 2 NotoSansCJK-Regular.ttc NotoSansSC-labels.otf --text-file="$characters"
subset 7 NotoSansCJK-Bold.ttc NotoSansMonoSC-Bold-numbers.otf --unicodes=U+0020-007E

# Papers are typed by anybody: every Chinese character the font has (GB 18030-2022 level 2 and more),
# without Hangul, in three files by how common they are. As TrueType outlines, because the PDF library
# embeds no others; cubic curves become quadratic ones that differ by a thousandth of the type size.
python3 - "$source_folder/NotoSansCJK-Regular.ttc" "$characters" "$here" <<'PY'
import sys
from fontTools import subset
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import newTable

HANGUL = ((0x1100, 0x11FF), (0x3130, 0x318F), (0xA960, 0xA97F), (0xAC00, 0xD7FF), (0xFFA0, 0xFFDC))
LIMITS = (
    "maxTwilightPoints", "maxStorage", "maxFunctionDefs", "maxInstructionDefs", "maxStackElements",
    "maxSizeOfInstructions", "maxPoints", "maxContours", "maxCompositePoints",
    "maxCompositeContours", "maxComponentElements", "maxComponentDepth",
)
options = subset.Options(
    font_number=2, layout_features=[], hinting=False, name_IDs=["*"], recalc_timestamp=False,
    notdef_outline=True,
    drop_tables=["BASE", "DSIG", "GDEF", "GPOS", "GSUB", "VORG", "vhea", "vmtx"],
)
common = set(map(ord, open(sys.argv[2], encoding="utf-8").read()))


def part(code):
    """Return the file a character is in; none of the three is to be above four megabytes."""
    if code in common or code < 0x3400 or 0xA000 <= code <= 0xFFFF:
        return "common"
    return "basic" if 0x4E00 <= code <= 0x93FF else "rare"


def truetype(font):
    """Turn the outlines of a font into quadratic ones."""
    order, outlines, glyphs = font.getGlyphOrder(), font.getGlyphSet(), {}
    for name in order:
        pen = TTGlyphPen(None)
        outlines[name].draw(Cu2QuPen(pen, max_err=1.0, reverse_direction=True))
        glyphs[name] = pen.glyph()
    del font["CFF "]
    font["loca"], font["glyf"] = newTable("loca"), newTable("glyf")
    font["glyf"].glyphOrder, font["glyf"].glyphs = order, glyphs
    for name in order:
        glyphs[name].recalcBounds(font["glyf"])
        font["hmtx"][name] = (font["hmtx"][name][0], getattr(glyphs[name], "xMin", 0))
    limits = font["maxp"]
    limits.tableVersion, limits.maxZones = 0x00010000, 1
    for limit in LIMITS:
        setattr(limits, limit, 0)  # counted anew when the table is written
    names = font["post"]
    names.formatType, names.extraNames, names.mapping, names.glyphOrder = 3.0, [], {}, order
    font["head"].glyphDataFormat = 0
    font.sfntVersion = "\0\1\0\0"


for wanted in ("common", "basic", "rare"):
    font = subset.load_font(sys.argv[1], options)
    cut = subset.Subsetter(options)
    codes = (c for c in font.getBestCmap() if not any(a <= c <= z for a, z in HANGUL))
    cut.populate(unicodes=[c for c in codes if part(c) == wanted])
    cut.subset(font)
    truetype(font)
    font.save(f"{sys.argv[3]}/NotoSansSC-papers-{wanted}.ttf")
PY
(cd "$here" && sha256sum -- *.otf > SHA256SUMS && sha256sum -- *.ttf > SHA256SUMS.papers)
