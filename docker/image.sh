#!/bin/sh
# Builds the image: docker/image.sh NAME VERSION TAG... With BUILDER=oci, or where
# neither docker nor podman nor buildah works, it writes bin/image/barnabas-oci.tar,
# which they load (docker load, podman load, skopeo copy oci-archive:FILE:NAME:TAG).
set -eu
go=${GO:-go}
name=$1 version=$2
shift 2
builder=${BUILDER:-}
if [ -z "$builder" ]; then
  builder=oci
  if docker info >/dev/null 2>&1; then builder=docker
  elif podman info >/dev/null 2>&1; then builder=podman
  elif buildah info >/dev/null 2>&1; then builder=buildah
  fi
fi
case $builder in
docker | podman | buildah | oci) ;;
*)
  echo "BUILDER is docker, podman, buildah or oci, not $builder" >&2
  exit 2
  ;;
esac

cd "$(dirname "$0")/.."
out=bin/image
mkdir -p $out
binaries=""
host=$("$go" env GOHOSTARCH)
case $host in arm64) archs="arm64 amd64" ;; *) archs="amd64 arm64" host=amd64 ;; esac
for arch in $archs; do
  GOOS=linux GOARCH=$arch ./build.sh $out/barnabas-$arch "$version"
  binaries="$binaries --binary $arch=$out/barnabas-$arch"
done
tags=""
for tag in "$@"; do tags="$tags --tag $name:$tag"; done
if [ "$builder" = oci ]; then
  "$go" run ./docker/rootfs $binaries --version "$version" $tags --oci $out/barnabas-oci.tar
  echo "wrote $out/barnabas-oci.tar (docker load -i $out/barnabas-oci.tar)"
  exit
fi
"$go" run ./docker/rootfs $binaries --layers $out
cp docker/Dockerfile $out/Dockerfile
$builder build $tags --build-arg TARGETARCH=$host --build-arg VERSION="$version" $out
