package metadata

import (
	"cmp"
	"iter"
	"slices"
)

// ScramMechanism is the number that Kafka's records and requests give a mechanism.
type ScramMechanism int8

// The mechanisms of SCRAM (RFC 5802, RFC 7677).
const (
	ScramSHA256 ScramMechanism = 1
	ScramSHA512 ScramMechanism = 2
)

// ScramCredential is what the broker knows of a user's password: never the
// password, and nothing that lets somebody log in elsewhere. It is never changed.
type ScramCredential struct {
	Mechanism  ScramMechanism
	Salt       []byte
	StoredKey  []byte
	ServerKey  []byte
	Iterations int32
}

// ScramUser lists the credentials of a user by mechanism, none for a user that
// has none. The caller must not change it.
func (img *Image) ScramUser(name string) []ScramCredential {
	credentials, _ := img.scram.get(name)
	return credentials
}

// ScramUsers yields the users that have credentials, by name.
func (img *Image) ScramUsers() iter.Seq2[string, []ScramCredential] { return img.scram.from("") }

func compareCredential(c ScramCredential, m ScramMechanism) int { return cmp.Compare(c.Mechanism, m) }

func (d *draft) setScram(r *UserScramCredentialRecord) {
	credentials := slices.Clone(d.img.ScramUser(r.Name))
	next := ScramCredential{ScramMechanism(r.Mechanism), slices.Clone(r.Salt), slices.Clone(r.StoredKey), slices.Clone(r.ServerKey), r.Iterations}
	if i, ok := slices.BinarySearchFunc(credentials, next.Mechanism, compareCredential); ok {
		credentials[i] = next
	} else {
		credentials = slices.Insert(credentials, i, next)
	}
	d.img.scram = d.img.scram.set(d.owner, r.Name, credentials)
}

func (d *draft) removeScram(r *RemoveUserScramCredentialRecord) {
	credentials := slices.Clone(d.img.ScramUser(r.Name))
	if i, ok := slices.BinarySearchFunc(credentials, ScramMechanism(r.Mechanism), compareCredential); ok {
		credentials = slices.Delete(credentials, i, i+1)
	}
	if len(credentials) == 0 {
		d.img.scram = d.img.scram.remove(d.owner, r.Name)
		return
	}
	d.img.scram = d.img.scram.set(d.owner, r.Name, credentials)
}

func (img *Image) scramRecords(yield recordYield) bool {
	for user, credentials := range img.ScramUsers() {
		for _, c := range credentials {
			r := &UserScramCredentialRecord{user, int8(c.Mechanism), c.Salt, c.StoredKey, c.ServerKey, c.Iterations}
			if !yield(r, nil) {
				return false
			}
		}
	}
	return true
}
