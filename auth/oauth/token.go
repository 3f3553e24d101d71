package oauth

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/barnabas-mq/barnabas/auth"
)

// tokenBytesMax bounds a token: those of real issuers have a few kilobytes, and a login's
// first message has 64 KiB at most.
const tokenBytesMax = 64 << 10

// jws is a token taken apart: a JSON Web Signature in compact form.
type jws struct {
	header object
	// payload is not looked at before the signature is.
	payload   []byte
	signed    string // what the signature is of
	signature []byte
}

// parse takes a token apart.
func parse(token string) (*jws, error) {
	if len(token) > tokenBytesMax {
		return nil, refuse("the token has %d bytes; at most %d are read", len(token), tokenBytesMax)
	}
	if n := strings.Count(token, "."); n != 2 {
		return nil, refuse("the token has %d dots and not 2", n)
	}
	parts := strings.Split(token, ".")
	var raw [3][]byte
	for i, what := range []string{"header", "payload", "signature"} {
		var err error
		if raw[i], err = decodeBase64(parts[i]); err != nil {
			return nil, refuse("the token's %s %v", what, err)
		}
	}
	header, err := parseObject(raw[0])
	if err != nil {
		return nil, refuse("the token's header %v", err)
	}
	return &jws{header: header, payload: raw[1], signed: token[:len(parts[0])+1+len(parts[1])], signature: raw[2]}, nil
}

// claims reads the payload.
func (j *jws) claims() (object, error) {
	o, err := parseObject(j.payload)
	if err != nil {
		return nil, refuse("the token's payload %v", err)
	}
	return o, nil
}

// refuse is a token that is not valid.
func refuse(format string, args ...any) *auth.BearerRefused {
	return &auth.BearerRefused{Status: auth.BearerInvalid, Reason: fmt.Sprintf(format, args...)}
}

// secondsMax is the end of the year 9999, the last that Java and Go agree on; a token that
// ends later ends then.
const secondsMax = 253402300799

// at is the time of a claim in seconds.
func at(seconds float64) time.Time {
	seconds = min(max(seconds, -secondsMax), secondsMax)
	return time.UnixMilli(int64(math.Round(seconds * 1e3)))
}

// stamp writes a claim's time for the log.
func stamp(seconds float64) string { return at(seconds).UTC().Format(time.RFC3339) }
