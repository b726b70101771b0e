#!/bin/sh
# Builds the real Dapr runtime (daprd, placement, scheduler) into bin/ beside this file.
# Does nothing when they are there. `make dapr-runtime` calls this.
set -eu
cd "$(dirname "$0")"
version=$(sed -n 's|^\tgithub.com/dapr/dapr v\([0-9.]*\).*|\1|p' go.mod)

if [ -x bin/daprd ] && [ -x bin/placement ] && [ -x bin/scheduler ]; then
    echo "Dapr $version is built: tools/dapr-runtime/bin"
    exit 0
fi
if ! command -v go >/dev/null; then
    echo "Go is missing, and with it daprd, placement and scheduler: install Go 1.26 or newer (https://go.dev/dl)" >&2
    exit 1
fi
echo "Building Dapr $version into tools/dapr-runtime/bin; the first time this takes some minutes and 4 GB of Go's caches."
mkdir -p bin
exec go build -tags allcomponents -trimpath \
    -ldflags "-s -w -X github.com/dapr/dapr/pkg/buildinfo.version=$version" -o bin tool
