package kerberos

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
)

// etype is an encryption type of AES in CBC mode with ciphertext stealing, and HMAC.
type etype struct {
	id       int32
	name     string
	keyBytes int
	// macKeyBytes is of the keys under which HMAC is computed, macBytes what is sent of it.
	macKeyBytes, macBytes int
	hash                  func() hash.Hash
	// overCipher says that HMAC is of what is encrypted and not of what was (RFC 8009).
	overCipher bool
}

// etypes are those that are taken, the strongest first.
var etypes = []*etype{
	{id: 20, name: "aes256-cts-hmac-sha384-192", keyBytes: 32, macKeyBytes: 24, macBytes: 24, hash: sha512.New384, overCipher: true},
	{id: 19, name: "aes128-cts-hmac-sha256-128", keyBytes: 16, macKeyBytes: 16, macBytes: 16, hash: sha256.New, overCipher: true},
	{id: 18, name: "aes256-cts-hmac-sha1-96", keyBytes: 32, macKeyBytes: 32, macBytes: 12, hash: sha1.New},
	{id: 17, name: "aes128-cts-hmac-sha1-96", keyBytes: 16, macKeyBytes: 16, macBytes: 12, hash: sha1.New},
}

// endedTypes are encryption types that nobody should use any more (RFC 6649, RFC 8429).
var endedTypes = map[int32]string{
	1: "des-cbc-crc", 2: "des-cbc-md4", 3: "des-cbc-md5", 5: "des3-cbc-md5", 7: "des3-cbc-sha1", 16: "des3-cbc-sha1-kd",
	23: "arcfour-hmac", 24: "arcfour-hmac-exp",
}

func etypeOf(id int32) (*etype, error) {
	for _, e := range etypes {
		if e.id == id {
			return e, nil
		}
	}
	return nil, fmt.Errorf("the encryption type %s is not taken", etypeName(id))
}

// etypeName is for people.
func etypeName(id int32) string {
	for _, e := range etypes {
		if e.id == id {
			return e.name
		}
	}
	if name := endedTypes[id]; name != "" {
		return name + ", which is broken,"
	}
	return fmt.Sprint(id)
}

// key is a key of an encryption type. Invariant: value has keyBytes of it.
type key struct {
	*etype
	value []byte
}

func newKey(id int32, value []byte) (key, error) {
	e, err := etypeOf(id)
	if err != nil {
		return key{}, err
	}
	if len(value) != e.keyBytes {
		return key{}, fmt.Errorf("a key of %s has %d bytes and not %d", e.name, e.keyBytes, len(value))
	}
	return key{e, value}, nil
}

// What keys are used for (RFC 4120, section 7.5.1; RFC 4121, section 2). Messages that are
// wrapped without being encrypted are of the usages called seal all the same.
const (
	usageTicket        = 2
	usageAuthenticator = 11
	usageReply         = 12
	usageAcceptorSeal  = 22
	usageInitiatorSeal = 24
)

// The keys that are derived for a usage end its constant (RFC 3961, section 5.3).
const (
	forChecksum   = 0x99
	forEncryption = 0xaa
	forIntegrity  = 0x55
)

// derived is the key of a purpose in a usage.
func (k key) derived(usage uint32, purpose byte) []byte {
	constant := append(binary.BigEndian.AppendUint32(nil, usage), purpose)
	size := k.macKeyBytes
	if purpose == forEncryption {
		size = k.keyBytes
	}
	if !k.overCipher {
		return deriveByCipher(k.value, constant, size)
	}
	// KDF-HMAC-SHA2 of RFC 8009, section 3, where one block is enough for each key.
	mac := hmac.New(k.hash, k.value)
	mac.Write([]byte{0, 0, 0, 1})
	mac.Write(constant)
	mac.Write(binary.BigEndian.AppendUint32([]byte{0}, uint32(size)*8))
	return mac.Sum(nil)[:size]
}

// deriveByCipher is DR of RFC 3961, section 5.1, with AES.
func deriveByCipher(base, constant []byte, size int) (derived []byte) {
	block := newCipher(base)
	feed := nFold(constant, aes.BlockSize)
	for len(derived) < size {
		block.Encrypt(feed, feed)
		derived = append(derived, feed...)
	}
	return derived[:size]
}

// nFold spreads bytes over size bytes (RFC 3961, section 5.1): copies, each turned right by 13
// bits more than the one before it, are laid end to end and added up in ones' complement.
func nFold(in []byte, size int) []byte {
	total := size * len(in) / gcd(size, len(in))
	out := make([]byte, size)
	bits := 8 * len(in)
	carry := 0
	for i := total - 1; i >= 0; i-- {
		// The first bit of this byte, in the copy that is turned by 13 bits for each one before it.
		first := ((8*(i%len(in))-13*(i/len(in)))%bits + bits) % bits
		high, low := int(in[first/8]), int(in[(first/8+1)%len(in)])
		carry += (high<<8|low)>>(8-first%8)&0xff + int(out[i%size])
		out[i%size] = byte(carry)
		carry >>= 8
	}
	for i := size - 1; carry > 0; i = (i - 1 + size) % size {
		carry += int(out[i])
		out[i] = byte(carry)
		carry >>= 8
	}
	return out
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// newCipher is for keys whose length is known to be right.
func newCipher(value []byte) cipher.Block {
	block, err := aes.NewCipher(value)
	if err != nil {
		panic(fmt.Sprintf("kerberos: a key of %d bytes: %v", len(value), err))
	}
	return block
}

func (k key) mac(value []byte, parts ...[]byte) []byte {
	mac := hmac.New(k.hash, value)
	for _, p := range parts {
		mac.Write(p)
	}
	return mac.Sum(nil)[:k.macBytes]
}

// checksum is get_mic of the encryption type over the parts.
func (k key) checksum(usage uint32, parts ...[]byte) []byte {
	return k.mac(k.derived(usage, forChecksum), parts...)
}

// encrypt gives what only a holder of the key can read or make. The confounder is random,
// and of one block.
func (k key) encrypt(usage uint32, confounder, plain []byte) []byte {
	text := append(append(make([]byte, 0, len(confounder)+len(plain)+aes.BlockSize), confounder...), plain...)
	covered := [][]byte{text}
	out := encryptStealing(newCipher(k.derived(usage, forEncryption)), text)
	if k.overCipher {
		covered = [][]byte{zeroBlock[:], out}
	}
	return append(out, k.mac(k.derived(usage, forIntegrity), covered...)...)
}

// zeroBlock is the first cipher state.
var zeroBlock [aes.BlockSize]byte

var errNotOpened = errors.New("the key does not open it")

// decrypt undoes encrypt.
func (k key) decrypt(usage uint32, sealed []byte) ([]byte, error) {
	if len(sealed) < aes.BlockSize+k.macBytes {
		return nil, errors.New("what is encrypted is too short")
	}
	text, sum := sealed[:len(sealed)-k.macBytes], sealed[len(sealed)-k.macBytes:]
	block, integrity := newCipher(k.derived(usage, forEncryption)), k.derived(usage, forIntegrity)
	if k.overCipher && !hmac.Equal(sum, k.mac(integrity, zeroBlock[:], text)) {
		return nil, errNotOpened
	}
	plain := decryptStealing(block, text)
	if !k.overCipher && !hmac.Equal(sum, k.mac(integrity, plain)) {
		return nil, errNotOpened
	}
	return plain[aes.BlockSize:], nil
}

// encryptStealing is CBC with ciphertext stealing, of at least one block: the last two blocks
// change places, and the one that comes to the end is cut (RFC 3962, section 5).
func encryptStealing(block cipher.Block, text []byte) []byte {
	const size = aes.BlockSize
	padded := append([]byte(nil), text...)
	padded = append(padded, make([]byte, -len(text)&(size-1))...)
	cipher.NewCBCEncrypter(block, zeroBlock[:]).CryptBlocks(padded, padded)
	if len(padded) == size {
		return padded
	}
	last := len(padded) - size
	var stolen [size]byte
	copy(stolen[:], padded[last-size:last])
	copy(padded[last-size:], padded[last:])
	copy(padded[last:], stolen[:])
	return padded[:len(text)]
}

// decryptStealing undoes encryptStealing.
func decryptStealing(block cipher.Block, sealed []byte) []byte {
	const size = aes.BlockSize
	out := append([]byte(nil), sealed...)
	if len(sealed) > size {
		tail := (len(sealed)-1)%size + 1 // bytes of the last block
		at := len(sealed) - tail - size
		// The block before the last was the last one of CBC. Opened it shows the end of the text
		// over the block that was cut, and what was cut of that.
		var over [size]byte
		block.Decrypt(over[:], sealed[at:at+size])
		copy(out[at:at+size], sealed[at+size:])
		copy(out[at+tail:at+size], over[tail:])
		for i := range tail {
			out[at+size+i] = over[i] ^ sealed[at+size+i]
		}
		cipher.NewCBCDecrypter(block, zeroBlock[:]).CryptBlocks(out[:at+size], out[:at+size])
		return out
	}
	cipher.NewCBCDecrypter(block, zeroBlock[:]).CryptBlocks(out, out)
	return out
}
