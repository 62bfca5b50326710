#!/usr/bin/env bash
# Remake the two bundled fonts from Noto Sans CJK 2.004 (SIL OFL 1.1), as packed by Debian and Ubuntu.
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
(cd "$here" && sha256sum -- *.otf > SHA256SUMS)
