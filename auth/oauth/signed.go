package oauth

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/barnabas-mq/barnabas/auth"
)

// Signed takes tokens that one of the keys signed, as Kafka's BrokerJwtValidator does.
// The fields are the settings sasl.oauthbearer.*.
type Signed struct {
	Keys *Keys
	// Audience: the token must be meant for one of them. Without any it must say nothing of
	// for whom it is.
	Audience []string
	Issuer   string // empty for any
	// SubjectClaim names the principal. ScopeClaim must hold the scope in a form that can be
	// read; what it says is nobody's concern here.
	SubjectClaim, ScopeClaim string
	ClockSkew                time.Duration
	Now                      func() time.Time
}

// kidBytesMax bounds the name of a key (RefreshingHttpsJwks in Kafka).
const kidBytesMax = 1000

// Check gives the bearer of a token, or *auth.BearerRefused, or auth.ErrBearerUndecided as
// long as no keys have come from the issuer. Kafka does not start until they have
// (RefreshingHttpsJwks.init), and never has to say the latter. asking is called before it
// waits for keys that are fetched.
func (s *Signed) Check(token string, asking func()) (auth.Bearer, error) {
	j, err := parse(token)
	if err == nil {
		err = s.checkSignature(j, asking)
	}
	if err != nil {
		return auth.Bearer{}, err
	}
	c, err := j.claims()
	if err != nil {
		return auth.Bearer{}, err
	}
	expires, err := s.times(c)
	if err == nil {
		err = s.checkParties(c)
	}
	if err != nil {
		return auth.Bearer{}, err
	}
	name, err := c.text(s.SubjectClaim)
	if err != nil {
		return auth.Bearer{}, refuse("the claim %q %v", s.SubjectClaim, err)
	}
	if name = strings.TrimSpace(name); name == "" {
		return auth.Bearer{}, refuse("the claim %q is empty", s.SubjectClaim)
	}
	return auth.Bearer{Name: name, Expires: expires}, nil
}

// checkSignature finds the key, which may mean to wait for keys that are fetched.
func (s *Signed) checkSignature(j *jws, asking func()) error {
	alg, err := j.header.text("alg")
	by, known := algorithms[alg]
	switch {
	case err != nil || !known:
		return refuse("the token's alg is %.32q", alg)
	case len(j.signature) == 0:
		return refuse("the token has no signature")
	}
	if _, critical := j.header["crit"]; critical { // RFC 7515, section 4.1.11: what is not understood is refused
		return refuse("the token's header has a crit, of which nothing is known here")
	}
	kid, err := j.header.textIfAny("kid")
	if err != nil || len(kid) > kidBytesMax {
		return refuse("the token's kid is none")
	}
	keys := s.Keys.Current().candidates(alg, by, kid)
	haveCome := true
	if len(keys) == 0 {
		asking()
		s.Keys.Renew()
		haveCome = s.Keys.HaveCome() // before they are looked at: they may come in between
		keys = s.Keys.Current().candidates(alg, by, kid)
	}
	switch {
	case len(keys) == 0 && !haveCome:
		return auth.ErrBearerUndecided
	case len(keys) == 0:
		return refuse("no key with the kid %.64q is known for %s", kid, alg)
	case !j.isSignedBy(by, keys):
		return refuse("the signature is not that of the key with the kid %.64q", kid)
	}
	return nil
}

// times holds the token against the clock, in whole seconds (NumericDateValidator of
// jose4j). When it was issued must be told, and may be after now.
func (s *Signed) times(c object) (expires time.Time, err error) {
	var value [3]float64
	var has [3]bool
	for i, name := range []string{"exp", "iat", "nbf"} {
		n, found, err := c.number(name)
		if err != nil {
			return expires, refuse("the claim %s %v", name, err)
		}
		if !found && name != "nbf" {
			return expires, refuse("the claim %s is missing", name)
		}
		value[i], has[i] = float64(int64(min(max(n, -secondsMax), secondsMax))), found
	}
	exp, iat, nbf := value[0], value[1], value[2]
	now, skew := float64(s.Now().Unix()), s.ClockSkew.Seconds()
	switch {
	case exp < 0 || iat < 0:
		return expires, refuse("the token is of a time before 1970")
	case now-skew >= exp:
		return expires, refuse("the token expired at %s", stamp(exp))
	case exp < iat, has[2] && exp < nbf:
		return expires, refuse("the token expires before it begins")
	case has[2] && now+skew < nbf:
		return expires, refuse("the token begins at %s", stamp(nbf))
	}
	return at(exp), nil
}

// checkParties looks at who made the token, and for whom.
func (s *Signed) checkParties(c object) error {
	audience, err := c.texts("aud")
	_, isMeant := c.find("aud")
	switch {
	case err != nil:
		return refuse("the claim aud %v", err)
	case isMeant && len(s.Audience) == 0:
		return refuse("the token is for %s, and sasl.oauthbearer.expected.audience is not set", quoted(audience))
	case len(s.Audience) > 0 && !slices.ContainsFunc(audience, func(a string) bool { return slices.Contains(s.Audience, a) }):
		return refuse("the token is for %s, and not for %s", quoted(audience), quoted(s.Audience))
	}
	issuer, err := c.textIfAny("iss")
	switch {
	case err != nil:
		return refuse("the claim iss %v", err)
	case s.Issuer != "" && issuer != s.Issuer:
		return refuse("the token's issuer is %.128q, and not %.128q", issuer, s.Issuer)
	}
	if _, err := c.textIfAny("jti"); err != nil {
		return refuse("the claim jti %v", err)
	}
	return s.checkScope(c)
}

// checkScope wants no empty and no repeated scope (ClaimValidationUtils). A claim of
// another kind is as good as none.
func (s *Signed) checkScope(c object) error {
	if raw, found := c.find(s.ScopeClaim); !found || raw[0] != '"' && raw[0] != '[' {
		return nil
	}
	scope, err := c.texts(s.ScopeClaim)
	if err != nil {
		return refuse("the claim %q %v", s.ScopeClaim, err)
	}
	seen := make(map[string]bool, len(scope))
	for _, one := range scope {
		one = strings.TrimSpace(one)
		if one == "" || seen[one] {
			return refuse("the claim %q has a scope that is empty or comes twice", s.ScopeClaim)
		}
		seen[one] = true
	}
	return nil
}

// quoted names a few texts for the log, cut.
func quoted(texts []string) string {
	const most = 3
	var b strings.Builder
	for i, t := range texts {
		if i == most {
			b.WriteString(", …")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%.128q", t)
	}
	if len(texts) == 0 {
		return "nobody"
	}
	return b.String()
}
