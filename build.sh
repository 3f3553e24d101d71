#!/bin/sh
# Builds the released binary: build.sh FILE VERSION, for GOOS and GOARCH if set.
#
# Inlining is off in logins, in the libraries of the command line, of the shell and of the HTTP
# port, and of messages that no hot path decodes: a tenth of the binary, and no
# measurable time. HTTP/2 stays out: nobody speaks it to a port on loopback.
set -eu
cd "$(dirname "$0")"
calm=""
for packages in github.com/twmb/franz-go/... mvdan.cc/... github.com/goccy/... software.sslmate.com/... github.com/pavlo-v-chernykh/... github.com/youmark/... golang.org/x/crypto/... net/http github.com/barnabas-mq/barnabas/cli/... github.com/barnabas-mq/barnabas/auth/kerberos github.com/barnabas-mq/barnabas/auth/oauth github.com/barnabas-mq/barnabas/auth/sasl; do
  calm="$calm -gcflags=$packages=-l"
done
CGO_ENABLED=0 exec "${GO:-go}" build -trimpath -tags nethttpomithttp2 -ldflags "-s -w -X main.version=$2" $calm -o "$1" ./cmd/barnabas
