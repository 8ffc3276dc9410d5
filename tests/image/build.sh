#!/usr/bin/env bash
# Builds the image as the Dockerfile says, without a daemon:
#   build.sh NAME    where no registry of images is to be had, upon a stand-in for the image it begins with.
set -euo pipefail
cd "$(dirname "$0")/../.."
export STORAGE_DRIVER=${STORAGE_DRIVER:-overlay} # of all that follows, base.sh too

name=$1
base=docker.io/library/$(sed -n 's/^FROM \([^ ]*\).*/\1/p' Dockerfile | head -1)
buildah inspect --type image "$base" >/dev/null 2>&1 \
  || timeout 300 buildah pull --quiet "$base" >/dev/null 2>&1 \
  || tests/image/base.sh "$base"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
buildah bud --quiet --format docker --pull-never --isolation chroot \
  --build-arg VERSION="$version" --build-arg REVISION="$revision" --tag "$name" . >/dev/null
