#!/bin/sh
# Builds the image: docker/image.sh NAME VERSION TAG... With BUILDER=oci, or where
# neither docker nor podman nor buildah works, it writes bin/image/barnabas-oci.tar,
# which they load (docker load, podman load, skopeo copy oci-archive:).
set -eu
name=$1 version=$2
shift 2
cd "$(dirname "$0")/.."
out=bin/image
mkdir -p $out
binaries=""
host=$(go env GOHOSTARCH)
case $host in arm64) archs="arm64 amd64" ;; *) archs="amd64 arm64" host=amd64 ;; esac
for arch in $archs; do
  GOOS=linux GOARCH=$arch ./build.sh $out/barnabas-$arch "$version"
  binaries="$binaries --binary $arch=$out/barnabas-$arch"
done
go run ./docker/rootfs $binaries --layers $out
cp docker/Dockerfile $out/Dockerfile

builder=${BUILDER:-}
if [ -z "$builder" ]; then
  builder=oci
  if docker info >/dev/null 2>&1; then builder=docker
  elif podman info >/dev/null 2>&1; then builder=podman
  elif buildah info >/dev/null 2>&1; then builder=buildah
  fi
fi
tags=""
for tag in "$@"; do tags="$tags --tag $name:$tag"; done
case $builder in
docker | podman)
  $builder build $tags --build-arg TARGETARCH=$host --build-arg VERSION="$version" $out
  ;;
buildah)
  buildah build $tags --build-arg TARGETARCH=$host --build-arg VERSION="$version" $out
  ;;
oci)
  go run ./docker/rootfs $binaries --version "$version" $tags --oci $out/barnabas-oci.tar
  echo "no builder answers; wrote $out/barnabas-oci.tar (docker load -i $out/barnabas-oci.tar)"
  ;;
esac
