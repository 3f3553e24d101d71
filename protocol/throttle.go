package protocol

import "encoding/binary"

// throttleFrom are the first versions of the answers that tell a throttle time, where
// that is not 0.
var throttleFrom = map[int16]int16{
	0: 1, 1: 1, 2: 2, 3: 3, 8: 3, 9: 3, 10: 1, 11: 2, 12: 1, 13: 1, 14: 1, 15: 1, 16: 1, KeyApiVersions: 1, 19: 2, 20: 1, 23: 2,
}

// neverThrottled are answers without the field: of requests among brokers, and of logins.
var neverThrottled = map[int16]bool{
	4: true, 5: true, 6: true, 7: true, 17: true, 27: true, 36: true, 52: true, 53: true, 54: true, 55: true, 58: true,
	83: true, 84: true, 85: true, 86: true, 87: true,
}

// SetThrottle writes the throttle time into an encoded answer with its length and header
// in front. It does nothing where the version has no such field, and none in one of our
// own: the answer is one that this package or kmsg has encoded, without tagged fields
// behind the throttle time where that comes last. What follows the bytes that are here (a
// Fetch's records) does not matter.
func SetThrottle(answer []byte, key, version int16, millis int32) {
	if version < throttleFrom[key] || neverThrottled[key] {
		return
	}
	flexible := flexibleRequest(key, version)
	at, tags := 4+4, 0 // length, correlation id
	if flexible {
		tags = 1
	}
	if key != KeyApiVersions {
		at += tags
	}
	switch key {
	case 0, 38, 39, 40, 41: // Produce, and delegation tokens: the last field
		at = len(answer) - 4 - tags
	case 47: // OffsetDelete: behind the error code
		at += 2
	case KeyApiVersions: // behind the versions
		at = behindVersions(answer, at+2, flexible)
	}
	if at >= 0 && at+4 <= len(answer) {
		binary.BigEndian.PutUint32(answer[at:], uint32(millis))
	}
}

// behindVersions is the end of the array of versions that begins at at, beyond the end
// of an answer that is none.
func behindVersions(answer []byte, at int, flexible bool) int {
	if !flexible {
		if at+4 > len(answer) {
			return len(answer)
		}
		return at + 4 + 6*int(binary.BigEndian.Uint32(answer[at:]))
	}
	if at > len(answer) {
		return at
	}
	n, size := binary.Uvarint(answer[at:])
	return at + size + 7*int(max(n, 1)-1)
}
