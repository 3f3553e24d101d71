package kafkatools

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

// bootstrap is the content of a bootstrap file: the features that the cluster begins with,
// and its first users.
func bootstrap(version metadataVersion, users []string) ([]byte, error) {
	levels := version.levels()
	records := []metadata.Record{&metadata.FeatureLevelRecord{Name: metadata.FeatureMetadataVersion, Level: int16(version.level)}}
	for _, name := range slices.Sorted(maps.Keys(levels)) {
		if name != "kraft.version" { // which is no record of the metadata
			records = append(records, &metadata.FeatureLevelRecord{Name: name, Level: int16(levels[name])})
		}
	}
	for _, text := range users {
		r, err := firstUser(text)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return metadata.BootstrapCheckpoint(records, protocol.Timestamp(time.Now().UnixMilli())), nil
}

// firstUser reads SCRAM-SHA-256=[name=alice,password=alice-secret], and may have
// iterations, salt and saltedpassword in base64 (ScramParser). The password itself is not
// kept.
func firstUser(text string) (metadata.Record, error) {
	name, value, ok := strings.Cut(strings.TrimSpace(text), "=")
	mechanism, known := mechanisms[name]
	switch {
	case !ok:
		return nil, says("Failed to find equals sign in SCRAM argument '%s'", text)
	case !known:
		return nil, says("The add-scram mechanism %s is not supported.", name)
	case !strings.HasPrefix(value, "["):
		return nil, says("Expected configuration string to start with [")
	case !strings.HasSuffix(value, "]"):
		return nil, says("Expected configuration string to end with ]")
	}
	parts, err := scramParts(value[1 : len(value)-1])
	if err != nil {
		return nil, err
	}
	u, err := parts.upsertion(metadata.ScramMechanism(mechanism))
	if err != nil {
		return nil, err
	}
	records, results := metadata.NewScramAlteration(nil, []metadata.ScramUpsertion{u}).Records(new(metadata.Image))
	if err := results[0].Err; err != nil {
		return nil, says("%v", err)
	}
	return records[0], nil
}

// scramParts are the parts of a user by name.
func scramParts(text string) (properties, error) {
	parts := make(properties)
	for part := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return nil, says("No equals sign found in a SCRAM component")
		}
		if len(value) >= 2 && strings.HasPrefix(value, `"`) && strings.HasSuffix(value, `"`) {
			value = value[1 : len(value)-1]
		}
		parts[name] = value
	}
	var strange []string
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		if !slices.Contains([]string{"name", "password", "iterations", "salt", "saltedpassword"}, name) {
			strange = append(strange, name)
		}
	}
	_, named := parts["name"]
	_, plain := parts["password"]
	_, salted := parts["saltedpassword"]
	_, salt := parts["salt"]
	switch {
	case !named:
		return nil, says("You must supply 'name' to add-scram")
	case !plain && !salted:
		return nil, says("You must supply one of 'password' or 'saltedpassword' to add-scram")
	case !plain && !salt:
		return nil, says("You must supply 'salt' with 'saltedpassword' to add-scram")
	case plain && salted:
		return nil, says("Unknown SCRAM configurations: %s", strings.Join(append([]string{"saltedpassword"}, strange...), ", "))
	case len(strange) > 0:
		return nil, says("Unknown SCRAM configurations: %s", strings.Join(strange, ", "))
	}
	return parts, nil
}

func (p properties) upsertion(m metadata.ScramMechanism) (u metadata.ScramUpsertion, err error) {
	u = metadata.ScramUpsertion{User: p["name"], Mechanism: m, Iterations: iterationsWithout, Salt: []byte(rand.Text())}
	if text, ok := p["iterations"]; ok {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return u, says("Failed to parse iterations count: %s", text)
		}
		u.Iterations = int32(n)
	}
	if text, ok := p["salt"]; ok {
		if u.Salt, err = base64.StdEncoding.DecodeString(text); err != nil {
			return u, says("Failed to decode given salt: %s", text)
		}
	}
	if password, ok := p["password"]; ok {
		u.SaltedPassword, err = saltedPassword(m, password, u.Salt, int(u.Iterations))
		return u, err
	}
	if u.SaltedPassword, err = base64.StdEncoding.DecodeString(p["saltedpassword"]); err != nil {
		return u, says("Failed to decode given saltedPassword.")
	}
	return u, nil
}

// saltedPassword is RFC 5802's Hi: the password itself does not leave the tool. Whether the
// iterations are allowed is asked later, and what is too many is not counted out.
func saltedPassword(m metadata.ScramMechanism, password string, salt []byte, iterations int) ([]byte, error) {
	h := func() hash.Hash { return sha256.New() }
	if m == metadata.ScramSHA512 {
		h = func() hash.Hash { return sha512.New() }
	}
	return pbkdf2.Key(h, password, salt, min(max(iterations, 1), 1<<20), hmac.New(h, nil).Size())
}
