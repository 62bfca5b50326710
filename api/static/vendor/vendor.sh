#!/usr/bin/env bash
# Fetch the browser files that we ship, at exact versions, and write SHA256SUMS.
#
# For maintainers only: neither running nor building the product needs Node or a network.
# The repository keeps what this script makes; tests/test_vendor.py compares the sums.
# Needs: bash, node and npm. Takes packages from whatever registry npm is set up for.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

BOOTSTRAP=5.3.8
HTMX=2.0.11
ECHARTS=6.1.0
TABLER=3.51.0
ZXING=3.1.4
ESBUILD=0.28.2
# Chromium 79 is the floor; esbuild counts chrome64 as the newest target without `?.` and `??`.
TARGET=chrome64

# Names on the left are what pages say (`#icon-NAME`); on the right is Tabler's file.
ICONS="
alert-triangle arrow-right building-warehouse calendar check chevron-down chevron-left
chevron-right coin device-desktop download edit filter history home info-circle language
list layout-columns keyboard lock login logout bookmark maximize menu-2 moon package plus printer qrcode recycle refresh scan search
shield-check sun tag tool truck upload user users x
"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# take PACKAGE VERSION: unpack one published package into $work/PACKAGE.
take() {
  local folder="$work/${1//\//_}"
  mkdir -p "$folder"
  local archive
  archive=$(npm pack --silent --pack-destination "$work" "$1@$2")
  tar -xzf "$work/$archive" -C "$folder" --strip-components=1
  echo "$folder"
}

mkdir -p licenses

bootstrap=$(take bootstrap "$BOOTSTRAP")
# Without the comment that names a source map which we do not ship.
sed '/^\/\*# sourceMappingURL=.*\*\/$/d' "$bootstrap/dist/css/bootstrap.min.css" > bootstrap.min.css
# The same for languages that are written from right to left.
sed '/^\/\*# sourceMappingURL=.*\*\/$/d' "$bootstrap/dist/css/bootstrap.rtl.min.css" > bootstrap.rtl.min.css
cp "$bootstrap/LICENSE" licenses/bootstrap.txt

htmx=$(take htmx.org "$HTMX")
npm install --silent --no-save --no-audit --no-fund --prefix "$work/esbuild" "esbuild@$ESBUILD"
{
  echo "/* htmx $HTMX, Zero-Clause BSD; rewritten for $TARGET by esbuild $ESBUILD */"
  "$work/esbuild/node_modules/.bin/esbuild" --target="$TARGET" --minify --charset=utf8 \
    "$htmx/dist/htmx.min.js"
} > htmx.min.js
cp "$htmx/LICENSE" licenses/htmx.txt

# Only what we draw: bars and lines, a grid, a tooltip, as SVG; half of what the whole would be. It
# is fetched when somebody enlarges a chart, not with the page.
echarts=$(take echarts "$ECHARTS")
mkdir -p "$work/esbuild/node_modules"
npm install --silent --no-save --no-audit --no-fund --prefix "$work/esbuild" \
  "esbuild@$ESBUILD" "echarts@$ECHARTS"
cat > "$work/esbuild/charts.js" <<'JS'
import * as core from 'echarts/core';
import { BarChart, LineChart } from 'echarts/charts';
import { GridComponent, TooltipComponent } from 'echarts/components';
import { SVGRenderer } from 'echarts/renderers';
core.use([BarChart, LineChart, GridComponent, TooltipComponent, SVGRenderer]);
export const init = core.init;
export const version = core.version;
JS
{
  echo "/* Apache ECharts $ECHARTS (bars, lines), Apache-2.0, and zrender, BSD-3-Clause; esbuild $ESBUILD */"
  "$work/esbuild/node_modules/.bin/esbuild" "$work/esbuild/charts.js" --bundle --minify \
    --charset=utf8 --target="$TARGET" --format=iife --global-name=echarts --legal-comments=none
} > echarts.min.js
cp "$echarts/LICENSE" licenses/echarts.txt
cp "$echarts/NOTICE" licenses/echarts-NOTICE.txt
# echarts.min.js contains its drawing layer, which has a licence of its own.
zrender=$(take zrender "$(node -p "require('$echarts/package.json').dependencies.zrender")")
cp "$zrender/LICENSE" licenses/zrender.txt

tabler=$(take @tabler/icons "$TABLER")
{
  echo '<svg xmlns="http://www.w3.org/2000/svg">'
  echo "<!-- Tabler Icons $TABLER, MIT: <svg class=\"icon\"><use href=\"icons.svg#icon-NAME\"/></svg> -->"
  for name in $ICONS; do
    printf '<symbol id="icon-%s" viewBox="0 0 24 24" fill="none" stroke="currentColor"' "$name"
    printf ' stroke-width="2" stroke-linecap="round" stroke-linejoin="round">'
    tr -d '\n' < "$tabler/icons/outline/$name.svg" |
      sed -E 's/<!--.*-->//; s/<svg[^>]*>//; s/<\/svg>//; s/ +/ /g; s/> </></g; s/^ +//; s/ +$//'
    echo '</symbol>'
  done
  echo '</svg>'
} > icons.svg
cp "$tabler/LICENSE" licenses/tabler-icons.txt

# Reads codes in the camera's picture. Its script would ask a far host for the wasm file; ours never
# lets it: the page fetches the bytes here and hands them over.
zxing=$(take zxing-wasm "$ZXING")
cp "$zxing/dist/iife/reader/index.js" zxing_reader.js
cp "$zxing/dist/reader/zxing_reader.wasm" zxing_reader.wasm
cp "$zxing/LICENSE" licenses/zxing-wasm.txt
# The wasm file is ZXing-C++, Apache-2.0, whose text is our own licence's.
cp ../../../LICENSE licenses/zxing-cpp.txt

sha256sum bootstrap.min.css bootstrap.rtl.min.css echarts.min.js htmx.min.js icons.svg zxing_reader.* licenses/* > SHA256SUMS
echo "done: $(wc -l < SHA256SUMS) files"
