package oauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"sync"
	"testing"
	"time"
)

// The keys of the issuer of all tests; to make them takes a while.
var (
	rsaKey   = sync.OnceValue(func() *rsa.PrivateKey { k, _ := rsa.GenerateKey(rand.Reader, 2048); return k })
	otherKey = sync.OnceValue(func() *rsa.PrivateKey { k, _ := rsa.GenerateKey(rand.Reader, 2048); return k })
	p256Key  = sync.OnceValue(func() *ecdsa.PrivateKey { k, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader); return k })
	p384Key  = sync.OnceValue(func() *ecdsa.PrivateKey { k, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader); return k })
	p521Key  = sync.OnceValue(func() *ecdsa.PrivateKey { k, _ := ecdsa.GenerateKey(elliptic.P521(), rand.Reader); return k })
	edKey    = sync.OnceValue(func() ed25519.PrivateKey { _, k, _ := ed25519.GenerateKey(rand.Reader); return k })
)

// epoch is now in all tests.
var epoch = time.Unix(1_700_000_000, 0)

func now() time.Time { return epoch }

// fields are JSON; a nil takes a field away from those that are there.
type fields map[string]any

func (f fields) with(more fields) fields {
	all := maps.Clone(f)
	for name, value := range more {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	return all
}

// alice are claims that are valid.
var alice = fields{"sub": "alice", "iss": "https://issuer", "iat": epoch.Unix() - 100, "exp": epoch.Unix() + 600}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

func encodeJSON(t testing.TB, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return encode(raw)
}

// sign makes a token.
func sign(t testing.TB, key crypto.Signer, header, claims fields) string {
	t.Helper()
	signed := encodeJSON(t, header) + "." + encodeJSON(t, claims)
	alg, _ := header["alg"].(string)
	by := algorithms[alg]
	digest := []byte(signed)
	if by.hash != 0 {
		h := by.hash.New()
		h.Write(digest)
		digest = h.Sum(nil)
	}
	var signature []byte
	var err error
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if alg[0] == 'P' {
			signature, err = rsa.SignPSS(rand.Reader, k, by.hash, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			signature, err = rsa.SignPKCS1v15(nil, k, by.hash, digest)
		}
	case *ecdsa.PrivateKey:
		size := (k.Params().BitSize + 7) / 8
		r, s, signErr := ecdsa.Sign(rand.Reader, k, digest)
		if err = signErr; err == nil {
			signature = append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
		}
	case ed25519.PrivateKey:
		signature = ed25519.Sign(k, digest)
	}
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + encode(signature)
}

// jwk is the public part of a key.
func jwk(t testing.TB, public crypto.PublicKey, more fields) fields {
	t.Helper()
	switch k := public.(type) {
	case *rsa.PublicKey:
		return fields{"kty": "RSA", "n": encode(k.N.Bytes()), "e": "AQAB"}.with(more)
	case *ecdsa.PublicKey:
		point, err := k.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		half := (len(point) - 1) / 2
		return fields{"kty": "EC", "crv": k.Params().Name, "x": encode(point[1 : 1+half]), "y": encode(point[1+half:])}.with(more)
	case ed25519.PublicKey:
		return fields{"kty": "OKP", "crv": "Ed25519", "x": encode(k)}.with(more)
	}
	t.Fatalf("%T", public)
	return nil
}

// keySet is the issuer's, of the given keys.
func keySet(t testing.TB, keys ...fields) []byte {
	t.Helper()
	raw, err := json.Marshal(fields{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// allKeys is a set with a key of each kind.
func allKeys(t testing.TB) []byte {
	return keySet(t,
		jwk(t, rsaKey().Public(), fields{"kid": "rsa", "use": "sig"}), jwk(t, p256Key().Public(), fields{"kid": "p256", "key_ops": []string{"verify"}}),
		jwk(t, p384Key().Public(), fields{"kid": "p384"}), jwk(t, p521Key().Public(), fields{"kid": "p521"}), jwk(t, edKey().Public(), fields{"kid": "ed"}))
}
