package protocol

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// The short way through a record must find what the general one does, and leave to
// it all that is not a sound record.
func TestBriefDecodingAgreesWithTheGeneral(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	brief := 0
	for range 200_000 {
		body := recordBody(random)
		if random.IntN(3) == 0 && len(body) > 0 { // damaged
			body[random.IntN(min(len(body), 12))] = byte(random.Uint32())
			body = body[:len(body)-random.IntN(2)]
		}
		var short, general recordShape
		if !short.decodeBrief(body) {
			continue
		}
		brief++
		if err := general.decodeAny(body); err != nil || short != general {
			t.Fatalf("%x: %+v, want %+v, %v", body, short, general, err)
		}
	}
	if brief < 50_000 {
		t.Errorf("only %d records took the short way", brief)
	}
}

// recordBody is a record after its length, mostly of the usual kind.
func recordBody(random *rand.Rand) []byte {
	number := func() int64 { return random.Int64N(1<<random.IntN(16)) - random.Int64N(3)/2 }
	body := appendVarint([]byte{byte(random.IntN(2))}, number())
	body = appendVarint(body, number())
	for range 2 {
		length := random.Int64N(1<<random.IntN(9)) - random.Int64N(3)/2
		body = appendVarint(body, length)
		body = append(body, bytes.Repeat([]byte{byte(random.Uint32())}, max(int(length), 0))...)
	}
	headers := max(random.IntN(6)-4, 0)
	body = appendVarint(body, int64(headers))
	for range headers {
		body = append(body, 2, 'h', 1)
	}
	return body
}
