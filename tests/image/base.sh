#!/usr/bin/env bash
# Makes a stand-in for the image that the Dockerfile begins with, for machines that reach no registry of images:
#   base.sh NAME     Debian's smallest system, this machine's CA certificates, and its Python in /usr/local.
# Needs root, debootstrap and buildah. The sizes of what is built upon it say nothing about the real image.
set -euo pipefail

name=$1
for python in ${PYTHON:-} python3.13 "$HOME"/.pyenv/versions/3.13*/bin/python3.13 python3; do
  prefix=$("$python" -c 'import sys; print(sys.base_prefix)' 2>/dev/null) && break
done
if [ "$prefix" = /usr ]; then
  echo "base.sh needs a Python that can be copied, in a folder of its own: name one with PYTHON=/path/to/python3" >&2
  exit 1
fi

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
libraries=libbz2-1.0,libexpat1,libffi8,liblzma5,libncursesw6,libreadline8,libsqlite3-0,libssl3,libuuid1,zlib1g
debootstrap --variant=minbase --include="ca-certificates,$libraries" "$suite" "$root" >"$root.log" 2>&1 \
  || { cat "$root.log" >&2; exit 1; }
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root.log"
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
mkdir -p "$root/usr/local/bin" "$root/usr/local/lib"
cp -a "$prefix/lib/python$version" "$prefix"/lib/libpython* "$root/usr/local/lib/"
cp -aL "$prefix/bin/python$version" "$root/usr/local/bin/python$version"
for alias in python python3; do ln -s "python$version" "$root/usr/local/bin/$alias"; done
rm -rf "$root/usr/local/lib/python$version"/{test,idlelib,tkinter,turtledemo,config-*,site-packages/*}
find "$root/usr/local" -name __pycache__ -prune -exec rm -rf {} +
chroot "$root" ldconfig
chroot "$root" /usr/local/bin/python -c 'import sqlite3, ssl, venv, ensurepip'

container=$(buildah from scratch)
buildah add --quiet "$container" "$root" / >/dev/null
buildah config --env PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin --env LANG=C.UTF-8 \
  --env PIP_CERT=/etc/ssl/certs/ca-certificates.crt --env PIP_DEFAULT_TIMEOUT=180 "$container"
buildah commit --quiet --rm "$container" "$name" >/dev/null
