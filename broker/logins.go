package broker

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io/fs"
	"path"

	"github.com/barnabas-mq/barnabas/auth/kerberos"
	"github.com/barnabas-mq/barnabas/auth/sasl"
	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/server/api"
)

// loginSecret is a file of the data directory with what answers to unknown users are made
// of: they stay the same over restarts, as those to known ones do.
const loginSecret = "barnabas-login-secret"

const loginSecretBytes = 32

// openLogins makes the ways in of the listeners with SASL, for a whole life: what is
// altered later is for the next start.
func (b *Broker) openLogins() error {
	settings := b.settings.Load()
	b.logins = make(map[string]*api.Logins, len(settings.ListenerSASL))
	if len(settings.ListenerSASL) == 0 {
		return nil
	}
	decoy, err := b.readLoginSecret()
	if err != nil {
		return &DirectoryError{path.Join(b.dir, loginSecret), "cannot be used", err}
	}
	replays := kerberos.NewReplays() // of all listeners: one's request is no other's either
	for name, s := range settings.ListenerSASL {
		if s.Open {
			b.opts.Log.Warn("nobody has to log in on this listener (barnabas.insecure.ignore)", "listener", name)
			continue
		}
		var check sasl.BearerCheck
		if s.OAuth != nil {
			if check, err = b.openBearers(name, s.OAuth); err != nil {
				return err
			}
		}
		var tickets func() sasl.Exchange
		if s.Kerberos != nil {
			if tickets, err = b.openKerberos(name, s.Kerberos, replays); err != nil {
				return err
			}
		}
		b.logins[name] = &api.Logins{
			Mechanisms: s.Mechanisms, Begin: b.beginLogin(s, decoy, check, tickets), ReauthMax: s.ReauthMax,
			FailureDelay: settings.FailedLoginDelay, FrameBytesMax: settings.PreauthRequestBytesMax, Patience: settings.ConnectionHandshakeTimeout,
		}
	}
	return nil
}

// readLoginSecret reads the secret, or makes it.
func (b *Broker) readLoginSecret() ([]byte, error) {
	name := path.Join(b.dir, loginSecret)
	secret, err := vfs.ReadFile(b.files, name, loginSecretBytes)
	if err == nil && len(secret) == loginSecretBytes {
		return secret, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	secret = make([]byte, loginSecretBytes)
	_, _ = rand.Read(secret) // never fails
	return secret, vfs.ReplaceFile(b.files, name, secret, true)
}

func (b *Broker) beginLogin(s config.SASL, decoy []byte, check sasl.BearerCheck, tickets func() sasl.Exchange) func(mechanism string) sasl.Exchange {
	return func(mechanism string) sasl.Exchange {
		switch mechanism {
		case sasl.Plain:
			return sasl.NewPlain(s.Passwords)
		case sasl.OAuthBearer:
			return sasl.NewOAuthBearer(check)
		case sasl.GSSAPI:
			return tickets()
		}
		return sasl.NewScram(sasl.ScramOptions{Mechanism: mechanism, Users: scramUsers{b, mechanism}, Nonce: nonce, Decoy: decoy})
	}
}

// nonce is what a login cannot be repeated for.
func nonce() string {
	raw := make([]byte, 24)
	_, _ = rand.Read(raw) // never fails
	return base64.RawURLEncoding.EncodeToString(raw)
}

// scramUsers are the credentials in the metadata.
type scramUsers struct {
	b         *Broker
	mechanism string
}

func (u scramUsers) kind() metadata.ScramMechanism {
	if u.mechanism == sasl.ScramSHA512 {
		return metadata.ScramSHA512
	}
	return metadata.ScramSHA256
}

// User implements sasl.ScramUsers.
func (u scramUsers) User(name string) (sasl.ScramCredential, bool) {
	return u.of(u.b.metadata.Image().ScramUser(name))
}

func (u scramUsers) of(credentials []metadata.ScramCredential) (sasl.ScramCredential, bool) {
	for _, c := range credentials {
		if c.Mechanism == u.kind() {
			return sasl.ScramCredential{Salt: c.Salt, StoredKey: c.StoredKey, ServerKey: c.ServerKey, Iterations: int(c.Iterations)}, true
		}
	}
	return sasl.ScramCredential{}, false
}

// likenessMax bounds among how many users a form is chosen.
const likenessMax = 64

// Like implements sasl.ScramUsers.
func (u scramUsers) Like(n uint64) sasl.ScramCredential {
	var all []sasl.ScramCredential
	for _, credentials := range u.b.metadata.Image().ScramUsers() {
		if c, ok := u.of(credentials); ok {
			all = append(all, c)
		}
		if len(all) == likenessMax {
			break
		}
	}
	if len(all) == 0 { // as Kafka's tools make them
		return sasl.ScramCredential{Salt: []byte("0123456789abcdefghijklmnop"), Iterations: 4096}
	}
	return all[n%uint64(len(all))]
}
