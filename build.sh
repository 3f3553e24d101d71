#!/bin/sh
# Builds the released binary: build.sh FILE VERSION, for GOOS and GOARCH if set.
#
# Inlining is off in what runs once, or for people: settings, logins, stores of keys, the command line, the
# shell, the HTTP port, JSON, and messages that no hot path decodes. It is a tenth of the binary, and no
# measurable time. HTTP/2 stays out: nobody speaks it to a port on loopback.
set -eu
cd "$(dirname "$0")"
ours="auth/kerberos auth/oauth auth/sasl cli/... cmd/... config console internal/applets internal/jaas internal/ssl"
others="github.com/twmb/franz-go/... mvdan.cc/... github.com/goccy/... github.com/spf13/... software.sslmate.com/...
  github.com/pavlo-v-chernykh/... github.com/youmark/... golang.org/x/crypto/... net/http encoding/json"
calm=""
for package in $ours; do
  calm="$calm -gcflags=github.com/barnabas-mq/barnabas/$package=-l"
done
for package in $others; do
  calm="$calm -gcflags=$package=-l"
done
CGO_ENABLED=0 exec "${GO:-go}" build -trimpath -tags nethttpomithttp2 -ldflags "-s -w -X main.version=$2" $calm -o "$1" ./cmd/barnabas
