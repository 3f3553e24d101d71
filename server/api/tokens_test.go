package api

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

const worldSecret = auth.TokenSecret("shared by all brokers")

// newTokenWorld is a guarded world with delegation tokens that live for 100 seconds, and for
// 10 unless they are renewed. Who asks is alice.
func newTokenWorld(t *testing.T) *world {
	w := newGuardedWorld(t)
	w.tokens = &Tokens{Secret: worldSecret, Terms: metadata.TokenTerms{MaxLifetime: 100 * time.Second, Renewal: 10 * time.Second}}
	w.restart()
	w.become("alice")
	return w
}

func (w *world) createToken(version int16, owner string, lifetimeMillis int64, renewers ...string) *kmsg.CreateDelegationTokenResponse {
	w.t.Helper()
	q := kmsg.NewPtrCreateDelegationTokenRequest()
	q.MaxLifetimeMillis = lifetimeMillis
	if owner != "" {
		who := auth.ParsePrincipal(owner)
		q.OwnerPrincipalType, q.OwnerPrincipalName = &who.Type, &who.Name
	}
	for _, text := range renewers {
		r := kmsg.NewCreateDelegationTokenRequestRenewer()
		who := auth.ParsePrincipal(text)
		r.PrincipalType, r.PrincipalName = who.Type, who.Name
		q.Renewers = append(q.Renewers, r)
	}
	return ask[*kmsg.CreateDelegationTokenResponse](w, version, q)
}

func (w *world) renewToken(version int16, sum []byte, millis int64) *kmsg.RenewDelegationTokenResponse {
	w.t.Helper()
	q := kmsg.NewPtrRenewDelegationTokenRequest()
	q.HMAC, q.RenewTimeMillis = sum, millis
	return ask[*kmsg.RenewDelegationTokenResponse](w, version, q)
}

func (w *world) expireToken(version int16, sum []byte, millis int64) *kmsg.ExpireDelegationTokenResponse {
	w.t.Helper()
	q := kmsg.NewPtrExpireDelegationTokenRequest()
	q.HMAC, q.ExpiryPeriodMillis = sum, millis
	return ask[*kmsg.ExpireDelegationTokenResponse](w, version, q)
}

// tokensSeen are the tokens that the client sees, by owner; without owners all of them.
func (w *world) tokensSeen(version int16, owners ...string) string {
	w.t.Helper()
	q := kmsg.NewPtrDescribeDelegationTokenRequest()
	for _, text := range owners {
		o := kmsg.NewDescribeDelegationTokenRequestOwner()
		who := auth.ParsePrincipal(text)
		o.PrincipalType, o.PrincipalName = who.Type, who.Name
		q.Owners = append(q.Owners, o)
	}
	p := ask[*kmsg.DescribeDelegationTokenResponse](w, version, q)
	if p.ErrorCode != 0 {
		return fmt.Sprint("error ", p.ErrorCode)
	}
	all := make(map[string]string)
	for _, one := range p.TokenDetails {
		if !bytes.Equal(one.HMAC, worldSecret.HMAC(one.TokenID)) {
			w.t.Errorf("HMAC %x of %s", one.HMAC, one.TokenID)
		}
		text := one.PrincipalType + ":" + one.PrincipalName
		if version >= 3 {
			text += " by " + one.TokenRequesterPrincipalType + ":" + one.TokenRequesterPrincipalName
		}
		for _, r := range one.Renewers {
			text += " or " + r.PrincipalType + ":" + r.PrincipalName
		}
		all[text] = ""
	}
	return strings.Join(slices.Sorted(maps.Keys(all)), "; ")
}

// The life of a token, in each version.
func TestLifeOfAToken(t *testing.T) {
	w := newTokenWorld(t)
	for version := int16(0); version <= createDelegationToken.max; version++ {
		change := min(version, renewDelegationToken.max)
		w.become("alice")
		now := w.clock.Now().UnixMilli()
		p := w.createToken(version, "", 30_000, "User:bob")
		if p.ErrorCode != 0 || p.PrincipalType+":"+p.PrincipalName != "User:alice" || len(p.TokenID) != 22 || !bytes.Equal(p.HMAC, worldSecret.HMAC(p.TokenID)) ||
			p.IssueTimestamp != now || p.ExpiryTimestamp != now+10_000 || p.MaxTimestamp != now+30_000 {
			t.Fatalf("v%d: %+v", version, p)
		}
		if version >= 3 && p.TokenRequesterPrincipalType+":"+p.TokenRequesterPrincipalName != "User:alice" {
			t.Errorf("v%d: asked for by %s:%s", version, p.TokenRequesterPrincipalType, p.TokenRequesterPrincipalName)
		}
		seen := "User:alice or User:bob"
		if version >= 3 {
			seen = "User:alice by User:alice or User:bob"
		}
		if got := w.tokensSeen(version); got != seen {
			t.Errorf("v%d: alice sees %s", version, got)
		}
		w.become("bob")
		if got := w.tokensSeen(version, "User:alice"); got != seen {
			t.Errorf("v%d: bob sees %s", version, got)
		}
		w.clock.Advance(10 * time.Second)
		if p := w.renewToken(change, p.HMAC, -1); p.ErrorCode != 0 || p.ExpiryTimestamp != now+20_000 {
			t.Errorf("v%d: renewed %+v", version, p)
		}
		w.become("carol")
		if p := w.renewToken(change, p.HMAC, -1); p.ErrorCode != protocol.ErrDelegationTokenOwnerMismatch.Code || p.ExpiryTimestamp != 0 {
			t.Errorf("v%d: carol renewed %+v", version, p)
		}
		if p := w.expireToken(change, p.HMAC, -1); p.ErrorCode != protocol.ErrDelegationTokenOwnerMismatch.Code || p.ExpiryTimestamp != 0 {
			t.Errorf("v%d: carol ended %+v", version, p)
		}
		w.become("alice")
		if p := w.expireToken(change, p.HMAC, 1000); p.ErrorCode != 0 || p.ExpiryTimestamp != now+11_000 {
			t.Errorf("v%d: shortened %+v", version, p)
		}
		w.clock.Advance(time.Second + time.Millisecond)
		if p := w.renewToken(change, p.HMAC, -1); p.ErrorCode != protocol.ErrDelegationTokenExpired.Code {
			t.Errorf("v%d: renewed too late %+v", version, p)
		}
		if p := w.expireToken(change, p.HMAC, 1); p.ErrorCode != protocol.ErrDelegationTokenExpired.Code {
			t.Errorf("v%d: ended too late %+v", version, p)
		}
		if p := w.expireToken(change, p.HMAC, -1); p.ErrorCode != 0 || p.ExpiryTimestamp != w.clock.Now().UnixMilli() {
			t.Errorf("v%d: removed %+v", version, p)
		}
		if p := w.renewToken(change, p.HMAC, -1); p.ErrorCode != protocol.ErrDelegationTokenNotFound.Code {
			t.Errorf("v%d: renewed what is gone %+v", version, p)
		}
		if got := w.tokensSeen(version); got != "" {
			t.Errorf("v%d: %s is left", version, got)
		}
	}
}

// Rules let somebody make tokens for others and see them; an empty list of owners is nobody.
func TestTokensOfOthers(t *testing.T) {
	w := newTokenWorld(t)
	denied := protocol.ErrDelegationTokenAuthorizationFailed.Code
	if p := w.createToken(3, "User:bob", -1); p.ErrorCode != denied || p.PrincipalName != "bob" || p.TokenRequesterPrincipalName != "alice" || p.IssueTimestamp != -1 || p.MaxTimestamp != -1 || len(p.HMAC) != 0 {
		t.Errorf("without a rule: %+v", p)
	}
	w.rules("allow alice CREATE_TOKENS USER User:bob")
	p := w.createToken(3, "User:bob", -1)
	if p.ErrorCode != 0 || p.PrincipalName != "bob" || p.TokenRequesterPrincipalName != "alice" {
		t.Errorf("for bob: %+v", p)
	}
	if p := w.createToken(3, "User:carol", -1); p.ErrorCode != denied {
		t.Errorf("for carol: %+v", p)
	}
	if p := w.createToken(3, "User:alice", -1); p.ErrorCode != 0 {
		t.Errorf("for herself: %+v", p)
	}
	if p := w.renewToken(2, p.HMAC, -1); p.ErrorCode != protocol.ErrDelegationTokenOwnerMismatch.Code {
		t.Errorf("who asked for it renews it: %+v", p)
	}
	const ofAlice, ofBob = "User:alice by User:alice", "User:bob by User:alice"
	for _, c := range []struct{ who, rules, owners, want string }{
		{"alice", "", "", ofAlice + "; " + ofBob},
		{"alice", "", "User:bob", ofBob},
		{"bob", "", "", ofBob},
		{"bob", "", "User:alice", ofBob}, // which she has asked for
		{"carol", "", "", ""},
		{"carol", "allow carol DESCRIBE DELEGATION_TOKEN " + p.TokenID, "", ofBob},
		{"carol", "allow carol DESCRIBE_TOKENS USER User:alice", "", ofAlice},
		{"carol", "allow carol DESCRIBE_TOKENS USER *", "User:bob", ofBob},
		{"carol", "allow carol DESCRIBE DELEGATION_TOKEN *", "User:carol", ""},
		{worldRoot, "", "", ofAlice + "; " + ofBob},
	} {
		w.rules(c.rules)
		w.become(c.who)
		if got := w.tokensSeen(3, strings.Fields(c.owners)...); got != c.want {
			t.Errorf("%s with %q asks for %q: %s, want %s", c.who, c.rules, c.owners, got, c.want)
		}
	}
	q := kmsg.NewPtrDescribeDelegationTokenRequest()
	q.Owners = []kmsg.DescribeDelegationTokenRequestOwner{}
	if p := ask[*kmsg.DescribeDelegationTokenResponse](w, 3, q); p.ErrorCode != 0 || len(p.TokenDetails) != 0 {
		t.Errorf("of nobody: %+v", p)
	}
}

// tokenCodes are the errors of the four requests about tokens, and the time in an answer to
// CreateDelegationToken.
func (w *world) tokenCodes() string {
	w.t.Helper()
	created := w.createToken(3, "", -1)
	renewed, expired := w.renewToken(2, []byte("h"), 1), w.expireToken(2, []byte("h"), 1)
	return fmt.Sprintf("%d %d %d %s: %d %d %d", created.ErrorCode, renewed.ErrorCode, expired.ErrorCode, w.tokensSeen(3), created.MaxTimestamp, renewed.ExpiryTimestamp, expired.ExpiryTimestamp)
}

// Who has not said who it is asks for nothing, nor does who came in by a token; nobody has
// tokens without a secret. Renewers are users.
func TestTokensAreRefused(t *testing.T) {
	w := newTokenWorld(t)
	if p := w.createToken(3, "", -1, "User:bob", "Group:g"); p.ErrorCode != protocol.ErrInvalidPrincipalType.Code || p.MaxTimestamp != -1 {
		t.Errorf("a renewer that is no user: %+v", p)
	}
	if p := w.createToken(3, "", -1, "User:"+strings.Repeat("x", 5000)); p.ErrorCode != protocol.ErrPolicyViolation.Code {
		t.Errorf("a long renewer: %+v", p)
	}
	const refused = "64 64 64 error 64: -1 -1 -1"
	w.become(auth.Anonymous.Name)
	if got := w.tokenCodes(); got != refused {
		t.Errorf("nobody in particular: %s", got)
	}
	byToken := auth.User("alice")
	byToken.ByToken = true
	w.who.Store(&byToken)
	w.must(w.conn.Close())
	w.connect()
	if got := w.tokenCodes(); got != refused {
		t.Errorf("by a token: %s", got)
	}
	w.tokens = nil
	w.restart()
	w.become("alice")
	if got := w.tokenCodes(); got != "61 61 61 error 61: 0 0 0" {
		t.Errorf("without a secret: %s", got)
	}
	if p := w.createToken(3, "", -1, "Group:g"); p.ErrorCode != protocol.ErrInvalidPrincipalType.Code {
		t.Errorf("a renewer that is no user, without a secret: %+v", p)
	}
}
