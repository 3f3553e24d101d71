package protocol

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
)

// Numbers that must not be mixed up have types of their own.
type (
	// Offset is the position of a record in a partition.
	Offset int64
	// Epoch is a partition's leader epoch.
	Epoch int32
	// ProducerID names an idempotent or transactional producer; -1 is none.
	ProducerID int64
	// Timestamp is milliseconds since the Unix epoch; -1 is none.
	Timestamp int64
)

// None is the value that Kafka uses for "no value" in offsets, epochs,
// producer ids and timestamps alike.
const None = -1

// UUID is a topic id, directory id or cluster id.
type UUID [16]byte

// NewUUID makes a random (version 4) id whose text does not begin with a dash,
// as Kafka's Uuid.randomUuid does, so that it is usable as a command-line value.
func NewUUID() UUID {
	for {
		var u UUID
		_, _ = rand.Read(u[:]) // never fails (crypto/rand since Go 1.24)
		u[6] = u[6]&0x0f | 0x40
		u[8] = u[8]&0x3f | 0x80
		if u.String()[0] != '-' {
			return u
		}
	}
}

// ParseUUID reads the 22-character base64url form that Kafka prints.
func ParseUUID(s string) (UUID, error) {
	var u UUID
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != len(u) {
		return u, fmt.Errorf("%q is not a base64url id of 16 bytes", s)
	}
	copy(u[:], b)
	return u, nil
}

// String is the base64url form without padding.
func (u UUID) String() string { return base64.RawURLEncoding.EncodeToString(u[:]) }

// IsZero tells whether the id is absent.
func (u UUID) IsZero() bool { return u == UUID{} }
