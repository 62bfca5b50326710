#!/bin/sh
# 离线安装 · Install without the internet: sh install.sh [FOLDER], /opt/gongwu unless said.
# PYTHON=/path/to/python3.x chooses the Python; it must be the version this archive was made for.
set -eu
cd "$(dirname "$0")"
folder=${1:-/opt/gongwu}
wanted=$(cat PYTHON)
python=${PYTHON:-python$wanted}
command -v "$python" >/dev/null 2>&1 || python=python3
found=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || echo none)
if [ "$found" != "$wanted" ]; then
  echo "需要 Python $wanted，找到的是 $found；用 PYTHON=… 指明。" >&2
  echo "Python $wanted is needed, $found was found; name it: PYTHON=/path/to/python$wanted sh install.sh" >&2
  exit 1
fi
sha256sum --quiet -c SHA256SUMS || {
  echo "安装包已损坏，没有安装。" >&2
  echo "The archive is damaged; nothing was installed." >&2
  exit 1
}
"$python" -m venv --without-pip --clear "$folder"
pip=$(echo wheels/pip-*.whl)/pip
install="$folder/bin/python $pip install --quiet --disable-pip-version-check --no-index --find-links wheels"
$install --require-hashes -r requirements.lock
$install --no-deps wheels/gongwu-*.whl
"$folder/bin/gongwu" --version
