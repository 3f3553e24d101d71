package broker

import (
	"encoding/base32"
	"encoding/base64"
	"strings"
	"sync"
	"time"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/auth/sasl"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
	"github.com/barnabas-mq/barnabas/server/api"
)

// tokens are what the broker needs for logins by delegation tokens, for a whole life.
type tokens struct {
	api.Tokens
	mu struct {
		sync.Mutex
		// derived are credentials by mechanism and id. To derive one takes milliseconds, and
		// many programs come in with the same token.
		derived map[string]sasl.ScramCredential
	}
}

// derivedMax bounds the credentials that are remembered: more begin anew.
const derivedMax = 1000

// tokenIterations are Kafka's: the password is no word that somebody could guess
// (DelegationTokenManager).
const tokenIterations = 4096

func (b *Broker) openTokens() error {
	b.tokens = nil
	if s := b.settings.Load().Tokens; s.Secret != "" {
		b.tokens = &tokens{Tokens: api.Tokens{
			Secret: auth.TokenSecret(s.Secret), Terms: metadata.TokenTerms{MaxLifetime: s.MaxLifetime, Renewal: s.ExpiryTime},
		}}
	}
	return nil
}

// forAPI is nil where t is.
func (t *tokens) forAPI() *api.Tokens {
	if t == nil {
		return nil
	}
	return &t.Tokens
}

// credential is what a login by the token is checked with.
func (t *tokens) credential(mechanism, id string) (sasl.ScramCredential, error) {
	key := mechanism + " " + id
	t.mu.Lock()
	c, ok := t.mu.derived[key]
	t.mu.Unlock()
	if ok {
		return c, nil
	}
	sum := t.Secret.HMAC(id)
	c, err := sasl.DeriveScram(mechanism, base64.StdEncoding.EncodeToString(sum), tokenSalt(sum), tokenIterations)
	if err != nil {
		return c, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mu.derived == nil || len(t.mu.derived) >= derivedMax {
		t.mu.derived = make(map[string]sasl.ScramCredential)
	}
	t.mu.derived[key] = c
	return c, nil
}

// tokenSalt is the same each time, and of the form of the salts of users.
func tokenSalt(sum []byte) []byte {
	salt := auth.TokenSecret(sum).HMAC("salt")
	return []byte(strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(salt[:16])))
}

// Token implements sasl.ScramUsers. A token lets in until its end, and only as a user: Kafka
// takes the owner's name and forgets of which type it is.
func (u scramUsers) Token(id string) (c sasl.ScramCredential, owner string, expires time.Time, ok bool) {
	if u.b.tokens == nil {
		return c, "", expires, false
	}
	token := u.b.metadata.Image().Token(id)
	if token == nil || token.IsExpired(protocol.Timestamp(u.b.opts.Clock.Now().UnixMilli())) {
		return c, "", expires, false
	}
	who := auth.ParsePrincipal(token.Owner)
	if who.Type != auth.UserType {
		return c, "", expires, false
	}
	c, err := u.b.tokens.credential(u.mechanism, id)
	if err != nil {
		u.b.opts.Log.Error("a login by a delegation token cannot be checked", "error", err)
		return c, "", expires, false
	}
	return c, who.Name, time.UnixMilli(int64(token.Expires)), true
}

// removeExpiredTokens takes away the tokens whose time is over (KIP-48).
func (b *Broker) removeExpiredTokens() {
	now := protocol.Timestamp(b.opts.Clock.Now().UnixMilli())
	if records, _ := metadata.RemoveExpiredTokens(b.metadata.Image(), now); len(records) == 0 {
		return
	}
	var expired []*metadata.Token
	_, err := b.metadata.Propose(b.chores.ctx, func(image *metadata.Image) (records []metadata.Record, _ error) {
		records, expired = metadata.RemoveExpiredTokens(image, now)
		return records, nil
	})
	switch {
	case err == nil:
		for _, t := range expired {
			b.opts.Log.Info("a delegation token has expired", "token", t.ID, "owner", t.Owner)
		}
	case b.chores.ctx.Err() == nil:
		b.opts.Log.Error("removing expired delegation tokens failed", "error", err)
	}
}
