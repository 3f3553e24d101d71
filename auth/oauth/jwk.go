package oauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
)

// KeySet is a JSON Web Key Set: the keys by which tokens are verified.
type KeySet []key

// key is one of a set.
type key struct {
	id string // may be empty
	// algorithm is the only one that the key is for, empty for each that fits it.
	algorithm string
	public    crypto.PublicKey // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
}

// keysMax bounds a set: issuers have a handful of keys, and a token without the name of
// a key is tried with each.
const keysMax = 100

// ParseKeySet reads a set. Keys for something else, and of kinds that are not known here, are
// passed over, as RFC 7517 (section 5) has it; a set in which nothing remains is an error.
func ParseKeySet(raw []byte) (KeySet, error) {
	o, err := parseObject(raw)
	if err != nil {
		return nil, fmt.Errorf("the key set %w", err)
	}
	var list []json.RawMessage
	if err := json.Unmarshal(o["keys"], &list); err != nil {
		return nil, errors.New("the key set has no list of keys")
	}
	if len(list) > keysMax {
		return nil, fmt.Errorf("the key set has %d keys; at most %d are read", len(list), keysMax)
	}
	var set KeySet
	var first error // of what was passed over
	for i, one := range list {
		k, err := parseKey(one)
		if err != nil {
			if first == nil {
				first = fmt.Errorf("key %d %w", i+1, err)
			}
			continue
		}
		set = append(set, k)
	}
	if len(set) == 0 {
		if first == nil {
			first = errors.New("it is empty")
		}
		return nil, fmt.Errorf("the key set has no key that verifies signatures: %w", first)
	}
	return set, nil
}

// parseKey reads a key; what its error says follows its name.
func parseKey(raw []byte) (k key, err error) {
	o, err := parseObject(raw)
	if err != nil {
		return k, err
	}
	use, err := o.textIfAny("use")
	if err != nil || use != "" && use != "sig" {
		return k, errors.New("is not for signatures")
	}
	if operations, err := o.texts("key_ops"); err != nil || operations != nil && !slices.Contains(operations, "verify") {
		return k, errors.New("is not for signatures")
	}
	if k.id, err = o.textIfAny("kid"); err != nil {
		return k, fmt.Errorf("has a kid that %w", err)
	}
	if k.algorithm, err = o.textIfAny("alg"); err != nil {
		return k, fmt.Errorf("has an alg that %w", err)
	}
	kind, err := o.textIfAny("kty")
	if err != nil {
		return k, fmt.Errorf("has a kty that %w", err)
	}
	switch kind {
	case "RSA":
		k.public, err = o.rsaKey()
	case "EC":
		k.public, err = o.ecKey()
	case "OKP":
		k.public, err = o.edKey()
	default:
		err = fmt.Errorf("is of the kind %.32q", kind)
	}
	return k, err
}

// bytes is a value in base64url.
func (o object) bytes(name string) ([]byte, error) {
	text, err := o.text(name)
	if err != nil {
		return nil, fmt.Errorf("has an %s that %w", name, err)
	}
	raw, err := decodeBase64(text)
	if err != nil {
		return nil, fmt.Errorf("has an %s that %w", name, err)
	}
	return raw, nil
}

// Sizes of RSA keys: fewer bits are not safe (RFC 7518, section 3.3), and more make each
// token slow.
const (
	rsaBitsMin = 2048
	rsaBitsMax = 8192
)

func (o object) rsaKey() (crypto.PublicKey, error) {
	modulus, err := o.bytes("n")
	if err != nil {
		return nil, err
	}
	exponent, err := o.bytes("e")
	if err != nil {
		return nil, err
	}
	n, e := new(big.Int).SetBytes(modulus), new(big.Int).SetBytes(exponent)
	if bits := n.BitLen(); bits < rsaBitsMin || bits > rsaBitsMax {
		return nil, fmt.Errorf("has %d bits; %d to %d are taken", bits, rsaBitsMin, rsaBitsMax)
	}
	if !e.IsInt64() || e.Int64() < 3 || e.Int64() > math.MaxInt32 || e.Bit(0) == 0 || n.Bit(0) == 0 {
		return nil, errors.New("is no RSA key")
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

var curves = map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}

func (o object) ecKey() (crypto.PublicKey, error) {
	name, err := o.textIfAny("crv")
	curve, known := curves[name]
	if err != nil || !known {
		return nil, fmt.Errorf("has the curve %.32q", name)
	}
	x, err := o.bytes("x")
	if err != nil {
		return nil, err
	}
	y, err := o.bytes("y")
	if err != nil {
		return nil, err
	}
	const uncompressed = 4 // SEC 1, section 2.3.3
	point := append(append([]byte{uncompressed}, x...), y...)
	if size := (curve.Params().BitSize + 7) / 8; len(x) != size || len(y) != size {
		return nil, fmt.Errorf("is no point of %s", name)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, fmt.Errorf("is no point of %s", name)
	}
	return public, nil
}

func (o object) edKey() (crypto.PublicKey, error) {
	if name, err := o.textIfAny("crv"); err != nil || name != "Ed25519" {
		return nil, fmt.Errorf("has the curve %.32q", name)
	}
	x, err := o.bytes("x")
	if err != nil || len(x) != ed25519.PublicKeySize {
		return nil, errors.New("is no key of Ed25519")
	}
	return ed25519.PublicKey(x), nil
}

// candidates are the keys that may have signed a token: those of its kid or, where it
// names none, all of the kind.
func (s KeySet) candidates(name string, by algorithm, kid string) (keys []crypto.PublicKey) {
	for _, k := range s {
		if kid != "" && k.id != kid || k.algorithm != "" && k.algorithm != name || !by.fits(k.public) {
			continue
		}
		keys = append(keys, k.public)
	}
	return keys
}
