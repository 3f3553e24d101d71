package oauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	_ "crypto/sha256" // SHA-256
	_ "crypto/sha512" // SHA-384 and SHA-512
	"math/big"
)

// algorithm is a way to sign (RFC 7518, section 3).
type algorithm struct {
	hash crypto.Hash
	// fits tells whether a key is one for it.
	fits func(crypto.PublicKey) bool
	// verify tells whether a signature is that of a digest or, where there is no hash, of a
	// message. The key fits.
	verify func(key crypto.PublicKey, hash crypto.Hash, digest, signature []byte) bool
}

// algorithms are those with a key that the whole world may know. "none" is not among them.
var algorithms = map[string]algorithm{
	"RS256": {crypto.SHA256, isRSA, verifyPKCS1}, "RS384": {crypto.SHA384, isRSA, verifyPKCS1}, "RS512": {crypto.SHA512, isRSA, verifyPKCS1},
	"PS256": {crypto.SHA256, isRSA, verifyPSS}, "PS384": {crypto.SHA384, isRSA, verifyPSS}, "PS512": {crypto.SHA512, isRSA, verifyPSS},
	"ES256": {crypto.SHA256, isEC("P-256"), verifyECDSA}, "ES384": {crypto.SHA384, isEC("P-384"), verifyECDSA}, "ES512": {crypto.SHA512, isEC("P-521"), verifyECDSA},
	"EdDSA": {0, isEd25519, verifyEd25519},
}

func isRSA(key crypto.PublicKey) bool     { _, ok := key.(*rsa.PublicKey); return ok }
func isEd25519(key crypto.PublicKey) bool { _, ok := key.(ed25519.PublicKey); return ok }

// isEC: each of the algorithms has a curve of its own.
func isEC(curve string) func(crypto.PublicKey) bool {
	return func(key crypto.PublicKey) bool {
		k, ok := key.(*ecdsa.PublicKey)
		return ok && k.Params().Name == curve
	}
}

func verifyPKCS1(key crypto.PublicKey, hash crypto.Hash, digest, signature []byte) bool {
	return rsa.VerifyPKCS1v15(key.(*rsa.PublicKey), hash, digest, signature) == nil
}

// verifyPSS wants a salt as long as the hash (RFC 7518, section 3.5).
func verifyPSS(key crypto.PublicKey, hash crypto.Hash, digest, signature []byte) bool {
	return rsa.VerifyPSS(key.(*rsa.PublicKey), hash, digest, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
}

// verifyECDSA reads two numbers of the curve's length (RFC 7518, section 3.4).
func verifyECDSA(key crypto.PublicKey, _ crypto.Hash, digest, signature []byte) bool {
	k := key.(*ecdsa.PublicKey)
	size := (k.Params().BitSize + 7) / 8
	if len(signature) != 2*size {
		return false
	}
	r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
	return ecdsa.Verify(k, digest, r, s)
}

func verifyEd25519(key crypto.PublicKey, _ crypto.Hash, message, signature []byte) bool {
	return ed25519.Verify(key.(ed25519.PublicKey), message, signature)
}

// isSignedBy tells whether one of the keys made the token's signature.
func (j *jws) isSignedBy(by algorithm, keys []crypto.PublicKey) bool {
	digest := []byte(j.signed)
	if by.hash != 0 {
		h := by.hash.New()
		h.Write(digest) // a hash does not fail
		digest = h.Sum(nil)
	}
	for _, k := range keys {
		if by.verify(k, by.hash, digest, j.signature) {
			return true
		}
	}
	return false
}
