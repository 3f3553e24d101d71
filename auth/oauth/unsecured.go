package oauth

import (
	"slices"
	"strings"
	"time"

	"github.com/barnabas-mq/barnabas/auth"
)

// Unsecured takes tokens that nobody signed: whoever comes may say who they are. The
// fields are the options of Kafka's OAuthBearerUnsecuredValidatorCallbackHandler.
type Unsecured struct {
	PrincipalClaim string   // unsecuredValidatorPrincipalClaimName
	ScopeClaim     string   // unsecuredValidatorScopeClaimName
	RequiredScope  []string // unsecuredValidatorRequiredScope
	ClockSkew      time.Duration
	Now            func() time.Time
}

// Check gives the bearer of a token, or *auth.BearerRefused.
func (u *Unsecured) Check(token string, _ func()) (auth.Bearer, error) {
	j, err := parse(token)
	if err != nil {
		return auth.Bearer{}, err
	}
	if alg, err := j.header.text("alg"); err != nil || alg != "none" || len(j.signature) > 0 {
		return auth.Bearer{}, refuse("the token is signed, and this listener takes those that are not")
	}
	c, err := j.claims()
	if err != nil {
		return auth.Bearer{}, err
	}
	scope, err := c.texts(u.ScopeClaim)
	if err != nil {
		return auth.Bearer{}, refuse("the claim %q %v", u.ScopeClaim, err)
	}
	expires, err := u.times(c)
	if err != nil {
		return auth.Bearer{}, err
	}
	name, err := c.text(u.PrincipalClaim)
	if err != nil {
		return auth.Bearer{}, refuse("the claim %q %v", u.PrincipalClaim, err)
	}
	if strings.TrimSpace(name) == "" {
		return auth.Bearer{}, refuse("the claim %q is empty", u.PrincipalClaim)
	}
	for i := range scope {
		scope[i] = strings.TrimSpace(scope[i])
	}
	for _, required := range u.RequiredScope {
		if !slices.Contains(scope, required) {
			return auth.Bearer{}, &auth.BearerRefused{
				Status: auth.BearerInsufficient, Scope: "[" + strings.Join(u.RequiredScope, ", ") + "]", Reason: "the token's scope has no " + required,
			}
		}
	}
	return auth.Bearer{Name: name, Expires: expires}, nil
}

// times holds the token against the clock, as OAuthBearerValidationUtils does: to the
// fraction of a second, and without a look at nbf.
func (u *Unsecured) times(c object) (expires time.Time, err error) {
	exp, found, err := c.number("exp")
	if err != nil || !found {
		return time.Time{}, refuse("the token has no exp that is a number")
	}
	iat, issued, err := c.number("iat")
	if err != nil {
		return time.Time{}, refuse("the claim iat %v", err)
	}
	now := u.Now()
	expires = at(exp)
	switch {
	case issued && at(iat).After(now.Add(u.ClockSkew)):
		return expires, refuse("the token was issued after now, at %s", stamp(iat))
	case !now.Add(-u.ClockSkew).Before(expires):
		return expires, refuse("the token expired at %s", stamp(exp))
	case issued && exp <= iat:
		return expires, refuse("the token expires before it was issued")
	}
	return expires, nil
}
