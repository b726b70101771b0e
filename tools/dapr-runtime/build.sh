#!/bin/sh
# Builds the real Dapr runtime (daprd, placement, scheduler) into bin/ beside this file.
# Does nothing when they are there, of the version that is pinned. `make dapr-runtime` calls this.
set -eu
cd "$(dirname "$0")"
version=$(sed -n 's|^\tgithub.com/dapr/dapr v\([0-9.]*\).*|\1|p' go.mod)

# Only daprd tells its version; they are built together.
if [ -x bin/placement ] && [ -x bin/scheduler ] && [ "$(bin/daprd --version 2>/dev/null)" = "$version" ]; then
    echo "Dapr $version is built: tools/dapr-runtime/bin"
    exit 0
fi
if ! command -v go >/dev/null; then
    echo "Go is missing, and with it daprd, placement and scheduler: install Go 1.26 or newer (https://go.dev/dl)" >&2
    exit 1
fi
if ! go version | grep -Eq 'go1\.(2[1-9]|[3-9][0-9])'; then # 1.21 and newer get the one that go.mod asks for
    echo "$(go version | cut -d' ' -f3) is too old to build daprd, placement and scheduler: install Go 1.26 or newer (https://go.dev/dl)" >&2
    exit 1
fi
echo "Building Dapr $version into tools/dapr-runtime/bin; the first time this takes some minutes and 4 GB of Go's caches."
mkdir -p bin
exec go build -tags allcomponents -trimpath \
    -ldflags "-s -w -X github.com/dapr/dapr/pkg/buildinfo.version=$version" -o bin tool
