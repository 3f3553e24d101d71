package sasl

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
)

// DeriveScram is what a broker keeps of a password (RFC 5802, section 3). It takes as long as
// the iterations do. An error is of Go's cryptography, where it is told to be strict.
func DeriveScram(mechanism, password string, salt []byte, iterations int) (ScramCredential, error) {
	newHash := hashOf(mechanism)
	salted, err := pbkdf2.Key(newHash, password, salt, iterations, newHash().Size())
	if err != nil {
		return ScramCredential{}, fmt.Errorf("deriving a credential of %s: %w", mechanism, err)
	}
	keyed := func(text string) []byte {
		h := hmac.New(newHash, salted)
		h.Write([]byte(text)) // a hash does not fail
		return h.Sum(nil)
	}
	stored := newHash()
	stored.Write(keyed("Client Key"))
	return ScramCredential{Salt: salt, StoredKey: stored.Sum(nil), ServerKey: keyed("Server Key"), Iterations: iterations}, nil
}

func hashOf(mechanism string) func() hash.Hash {
	if mechanism == ScramSHA512 {
		return sha512.New
	}
	return sha256.New
}
