package metadata

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/protocol"
)

func tellTokens(img *Image) string {
	var lines []string
	for t := range img.Tokens() {
		lines = append(lines, fmt.Sprintf("%s of %s for %s until %d of %d", t.ID, t.Owner, strings.Join(append([]string{t.Requester}, t.Renewers...), "+"), t.Expires, t.Max))
	}
	return strings.Join(lines, "; ")
}

func TestTokenRecords(t *testing.T) {
	token := func(id string, expires int64) Record {
		return &DelegationTokenRecord{Owner: "User:a", Requester: "User:b", Renewers: []string{"User:c"}, IssueTimestamp: 1, MaxTimestamp: 9, ExpirationTimestamp: expires, TokenID: id}
	}
	for name, c := range map[string]struct {
		records []Record
		want    string
	}{
		"two":             {[]Record{token("u", 5), token("t", 6)}, "t of User:a for User:b+User:c until 6 of 9; u of User:a for User:b+User:c until 5 of 9"},
		"replaced":        {[]Record{token("t", 5), token("t", 7)}, "t of User:a for User:b+User:c until 7 of 9"},
		"removed":         {[]Record{token("t", 5), &RemoveDelegationTokenRecord{"t"}}, ""},
		"unknown removed": {[]Record{token("t", 5), &RemoveDelegationTokenRecord{"u"}}, "t of User:a for User:b+User:c until 5 of 9"},
	} {
		img := imageOf(t, c.records...)
		if got := tellTokens(img); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		same(t, throughSnapshot(t, img), img)
	}
}

// withTokens is an image in which tokens are served.
func withTokens(t *testing.T, records ...Record) *Image {
	t.Helper()
	return imageOf(t, append([]Record{&FeatureLevelRecord{FeatureMetadataVersion, metadataVersionTokens}}, records...)...)
}

var briefTerms = TokenTerms{MaxLifetime: 100 * time.Millisecond, Renewal: 10 * time.Millisecond}

// How long a token lives is the shortest of what is asked for and what the broker allows.
func TestCreateToken(t *testing.T) {
	const now = 1000
	for _, c := range []struct {
		lifetime     int64
		max, expires protocol.Timestamp
	}{{-1, 1100, 1010}, {0, 1100, 1010}, {1000, 1100, 1010}, {50, 1050, 1010}, {5, 1005, 1005}} {
		img := withTokens(t)
		records, token, err := CreateToken(img, NewToken{ID: "t", Owner: "User:a", Requester: "User:b", Renewers: []string{"User:c"}, LifetimeMillis: c.lifetime}, briefTerms, now)
		if err != nil || token.Max != c.max || token.Expires != c.expires || token.Issued != now {
			t.Errorf("%d: %+v, %v", c.lifetime, token, err)
		}
		want := fmt.Sprintf("t of User:a for User:b+User:c until %d of %d", c.expires, c.max)
		if got := tellTokens(after(t, img, records...)); got != want {
			t.Errorf("%d: %s, want %s", c.lifetime, got, want)
		}
	}
	_, token, err := CreateToken(withTokens(t), NewToken{ID: "t"}, TokenTerms{math.MaxInt64, math.MaxInt64}, math.MaxInt64-5)
	if err != nil || token.Max != math.MaxInt64 || token.Expires != math.MaxInt64 {
		t.Errorf("for ever: %+v, %v", token, err)
	}
	if _, _, err := CreateToken(new(Image), NewToken{ID: "t"}, briefTerms, now); !errors.Is(err, ErrUnsupported) {
		t.Errorf("old metadata: %v", err)
	}
	if _, _, err := CreateToken(withTokens(t), NewToken{ID: "t", Renewers: []string{strings.Repeat("x", tokenBytesMax+1)}}, briefTerms, now); !errors.Is(err, ErrPolicyViolation) {
		t.Errorf("a long renewer: %v", err)
	}
	full := withTokens(t).edit()
	for i := range tokensMax {
		full.setToken(&DelegationTokenRecord{TokenID: fmt.Sprint(i)})
	}
	if _, _, err := CreateToken(full.image(), NewToken{ID: "t"}, briefTerms, now); !errors.Is(err, ErrPolicyViolation) {
		t.Errorf("one token too many: %v", err)
	}
}

// Who may change a token, until when, and which reason comes first.
func TestChangesOfTokens(t *testing.T) {
	img := withTokens(t, &DelegationTokenRecord{Owner: "User:a", Requester: "User:b", Renewers: []string{"User:c"}, MaxTimestamp: 100, ExpirationTimestamp: 50, TokenID: "t"})
	change := func(who string, period int64) TokenChange { return TokenChange{"t", who, period} }
	for _, c := range []struct {
		name          string
		change        TokenChange
		now           protocol.Timestamp
		renew, expire any // a time, -1 for no token, or an error
	}{
		{"by its owner", change("User:a", 5), 10, 15, 15},
		{"by a renewer", change("User:c", 5), 10, 15, 15},
		{"at its last moment", change("User:a", 5), 50, 55, 55},
		{"for no time", change("User:a", 0), 10, 20, 10},
		{"for a negative time", change("User:a", -1), 10, 20, -1},
		{"for long", change("User:a", 60), 30, 40, 90},
		{"for longer than it lives", change("User:a", math.MaxInt64), 45, 55, 100},
		{"by who asked for it", change("User:b", 5), 10, ErrNotTokensOwner, ErrNotTokensOwner},
		{"of another", change("User:d", -1), 10, ErrNotTokensOwner, ErrNotTokensOwner},
		{"expired", change("User:a", 5), 51, ErrTokenExpired, ErrTokenExpired},
		{"expired, ended", change("User:a", -1), 51, ErrTokenExpired, -1},
		{"expired, of another", change("User:d", 5), 51, ErrTokenExpired, ErrNotTokensOwner},
		{"unknown", TokenChange{"", "User:a", 5}, 10, ErrTokenNotFound, ErrTokenNotFound},
	} {
		check := func(what string, want any, records []Record, expires protocol.Timestamp, err error) {
			t.Helper()
			token := after(t, img, records...).Token("t")
			switch want := want.(type) {
			case error:
				if !errors.Is(err, want) || len(records) > 0 {
					t.Errorf("%s %s: %v, %d records; want %v", what, c.name, err, len(records), want)
				}
			case int:
				if gone := want < 0; err != nil || gone && (token != nil || expires != c.now) || !gone && (token.Expires != protocol.Timestamp(want) || expires != token.Expires || token.Max != 100) {
					t.Errorf("%s %s: %+v, %d, %v; want %d", what, c.name, token, expires, err, want)
				}
			}
		}
		records, expires, err := RenewToken(img, c.change, briefTerms, c.now)
		check("renewed", c.renew, records, expires, err)
		records, expires, err = ExpireToken(img, c.change, c.now)
		check("expired", c.expire, records, expires, err)
	}
	if _, _, err := RenewToken(new(Image), change("User:a", 5), briefTerms, 10); !errors.Is(err, ErrUnsupported) {
		t.Errorf("old metadata: %v", err)
	}
}

// Who a token concerns is told about it; among them is who only asked for it.
func TestWhoTokensConcern(t *testing.T) {
	token := &Token{Owner: "User:a", Requester: "User:b", Renewers: []string{"User:c"}}
	for who, want := range map[string][2]bool{"User:a": {true, true}, "User:b": {true, false}, "User:c": {true, true}, "User:d": {}, "Group:a": {}} {
		if got := [2]bool{token.Concerns(who), token.MayBeRenewedBy(who)}; got != want {
			t.Errorf("%s: %v", who, got)
		}
	}
}

// Expired tokens are taken away, so many at a time.
func TestRemoveExpiredTokens(t *testing.T) {
	d := withTokens(t).edit()
	for i := range expiredTokensMax + 2 {
		d.setToken(&DelegationTokenRecord{TokenID: fmt.Sprintf("%06d", i), MaxTimestamp: 9, ExpirationTimestamp: 5})
	}
	d.setToken(&DelegationTokenRecord{TokenID: "alive", MaxTimestamp: 9, ExpirationTimestamp: 6})
	d.setToken(&DelegationTokenRecord{TokenID: "never renewed again", MaxTimestamp: 5, ExpirationTimestamp: 6})
	img := d.image()
	if records, expired := RemoveExpiredTokens(img, 5); len(records) != 0 || len(expired) != 0 {
		t.Errorf("%d records in time", len(records))
	}
	for _, want := range []int{expiredTokensMax, 3, 0} {
		records, expired := RemoveExpiredTokens(img, 6)
		if len(records) != want || len(expired) != want {
			t.Fatalf("%d records, want %d", len(records), want)
		}
		img = after(t, img, records...)
	}
	if got := img.tokens.size; got != 1 || img.Token("alive") == nil {
		t.Errorf("%d tokens are left", got)
	}
}
