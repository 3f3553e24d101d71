package metadata

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"slices"
)

// scramIterationsMax is Kafka's: more would let one login keep a core busy
// (ScramControlManager).
const scramIterationsMax = 16_384

// scramIterationsMin is the same for both mechanisms.
const scramIterationsMin = 4096

// scramSaltBytesMax bounds what the metadata keeps of a user for ever, and
// scramPasswordBytesMax what is hashed for it: Kafka's own tools make salts of about 30 bytes
// and salted passwords of 32 or 64, the length of the hash. Kafka has no such limits.
const (
	scramSaltBytesMax     = 1024
	scramPasswordBytesMax = 1024
)

// ScramDeletion asks for the end of a user's credential.
type ScramDeletion struct {
	User      string
	Mechanism ScramMechanism
}

// ScramUpsertion asks for a new credential of a user, instead of the one that the
// user has for the mechanism.
type ScramUpsertion struct {
	User           string
	Mechanism      ScramMechanism
	Iterations     int32
	Salt           []byte
	SaltedPassword []byte
}

// ScramResult is what became of one user.
type ScramResult struct {
	User string
	Err  error
}

// ScramAlteration is deletions and upsertions whose keys have been derived, so that
// the owner of the metadata need not.
type ScramAlteration struct {
	deletions []ScramDeletion
	sets      []scramSet
}

// scramSet is what becomes of an upsertion, whatever the image is.
type scramSet struct {
	user   string
	record Record
	err    error
}

// NewScramAlteration judges the upsertions and derives their keys.
func NewScramAlteration(deletions []ScramDeletion, upsertions []ScramUpsertion) *ScramAlteration {
	a := &ScramAlteration{deletions, make([]scramSet, len(upsertions))}
	for i := range upsertions {
		r, err := upsertions[i].record()
		a.sets[i] = scramSet{upsertions[i].User, r, err}
	}
	return a
}

// Records makes the records of the alteration. Each user is judged by itself and can
// be named once (ScramControlManager, KIP-554); there is one result per user, in
// the order in which they are named.
func (a *ScramAlteration) Records(img *Image) ([]Record, []ScramResult) {
	var results []ScramResult
	at := make(map[string]int)
	records := make(map[string]Record)
	judge := func(user string, r Record, err error) {
		i, again := at[user]
		switch {
		case !again:
			at[user] = len(results)
			results = append(results, ScramResult{user, err})
			records[user] = r
		case results[i].Err == nil: // else the first reason stays
			results[i].Err = refuse(ErrDuplicate, "A user credential cannot be altered twice in the same request")
		}
	}
	for _, d := range a.deletions {
		judge(d.User, &RemoveUserScramCredentialRecord{d.User, int8(d.Mechanism)}, checkDeletion(img, d))
	}
	for _, s := range a.sets {
		judge(s.user, s.record, s.err)
	}
	var made []Record
	for _, r := range results {
		if r.Err == nil {
			made = append(made, records[r.User])
		}
	}
	return made, results
}

func checkDeletion(img *Image, d ScramDeletion) error {
	if _, err := checkUser(d.User, d.Mechanism); err != nil {
		return err
	}
	if _, ok := slices.BinarySearchFunc(img.ScramUser(d.User), d.Mechanism, compareCredential); !ok {
		return refuse(ErrNotFound, "Attempt to delete a user credential that does not exist")
	}
	return nil
}

func checkUser(user string, m ScramMechanism) (func() hash.Hash, error) {
	if user == "" {
		return nil, refuse(ErrUnacceptableCredential, "Username must not be empty")
	}
	switch m {
	case ScramSHA256:
		return sha256.New, nil
	case ScramSHA512:
		return sha512.New, nil
	}
	return nil, refuse(ErrUnknownMechanism, "Unknown SCRAM mechanism")
}

// record derives what is kept from the salted password (RFC 5802, section 3).
func (u *ScramUpsertion) record() (Record, error) {
	newHash, err := checkUser(u.User, u.Mechanism)
	switch {
	case err != nil:
		return nil, err
	case u.Iterations < scramIterationsMin:
		return nil, refuse(ErrUnacceptableCredential, "Too few iterations")
	case u.Iterations > scramIterationsMax:
		return nil, refuse(ErrUnacceptableCredential, "Too many iterations")
	case len(u.SaltedPassword) == 0:
		return nil, refuse(ErrNoPassword, "The salted password must not be empty")
	case len(u.SaltedPassword) > scramPasswordBytesMax:
		return nil, refuse(ErrUnacceptableCredential, "The salted password is longer than %d bytes", scramPasswordBytesMax)
	case len(u.Salt) > scramSaltBytesMax:
		return nil, refuse(ErrUnacceptableCredential, "The salt is longer than %d bytes", scramSaltBytesMax)
	}
	keyed := func(text string) []byte {
		h := hmac.New(newHash, u.SaltedPassword)
		h.Write([]byte(text)) // never fails
		return h.Sum(nil)
	}
	stored := newHash()
	stored.Write(keyed("Client Key"))
	return &UserScramCredentialRecord{
		Name: u.User, Mechanism: int8(u.Mechanism), Salt: slices.Clone(u.Salt),
		StoredKey: stored.Sum(nil), ServerKey: keyed("Server Key"), Iterations: u.Iterations,
	}, nil
}
