package broker

import (
	"context"
	"fmt"
	"strings"

	"github.com/barnabas-mq/barnabas/auth/oauth"
	"github.com/barnabas-mq/barnabas/auth/sasl"
	"github.com/barnabas-mq/barnabas/config"
)

// openBearers makes what looks at the tokens of OAUTHBEARER on a listener. A file of keys
// that cannot be used ends the start, as one of certificates does. An issuer that does not
// answer does not: it may be started after the broker, and until then who brings a token is
// hung up on.
func (b *Broker) openBearers(listener string, o *config.OAuth) (check sasl.BearerCheck, err error) {
	log := b.opts.Log.With("listener", listener)
	if o.Keys == nil {
		log.Warn("OAUTHBEARER takes tokens that nobody signed here: whoever comes may say who they are")
		u := &oauth.Unsecured{PrincipalClaim: o.SubjectClaim, ScopeClaim: o.ScopeClaim, RequiredScope: o.RequiredScope, ClockSkew: o.ClockSkew, Now: b.opts.Clock.Now}
		return u.Check, nil
	}
	if len(o.Audience) == 0 {
		log.Warn("OAUTHBEARER takes tokens that are meant for nobody in particular: sasl.oauthbearer.expected.audience is not set")
	}
	if o.Issuer == "" {
		log.Warn("OAUTHBEARER takes tokens of any issuer whose keys are found: sasl.oauthbearer.expected.issuer is not set")
	}
	if strings.HasPrefix(o.Keys.URL, "http:") {
		log.Warn("OAUTHBEARER fetches the keys that sign tokens without TLS: whoever is in between may come in as anybody")
	}
	keys := oauth.KeysOptions{
		From: o.Keys.URL, Clock: b.opts.Clock, Log: log,
		Refresh: o.Keys.Refresh, Backoff: o.Keys.Backoff, BackoffMax: o.Keys.BackoffMax,
	}
	if o.Keys.File != "" {
		keys.Fetch = func(context.Context) ([]byte, error) { return readKeyFile(o.Keys.File) }
		if often := b.settings.Load().SSLReloadInterval; often > 0 { // as files of certificates
			keys.Refresh = often
		}
		err = usable(keys.Fetch)
	} else {
		i := &issuer{keys: *o.Keys}
		keys.Fetch = i.fetch
		_, err = i.security()
	}
	if err != nil {
		return nil, &SettingsError{fmt.Errorf("listener %s: sasl.oauthbearer.jwks.endpoint.url: %w", listener, err)}
	}
	s := &oauth.Signed{
		Keys: oauth.NewKeys(keys), Audience: o.Audience, Issuer: o.Issuer, SubjectClaim: o.SubjectClaim, ScopeClaim: o.ScopeClaim,
		ClockSkew: o.ClockSkew, Now: b.opts.Clock.Now,
	}
	b.bearerKeys = append(b.bearerKeys, s.Keys)
	return s.Check, nil
}

// usable tells whether keys can be had now.
func usable(fetch func(context.Context) ([]byte, error)) error {
	raw, err := fetch(context.Background())
	if err == nil {
		_, err = oauth.ParseKeySet(raw)
	}
	return err
}

// closeBearers ends the fetching of keys, so that no login waits for it.
func (b *Broker) closeBearers() {
	for _, keys := range b.bearerKeys {
		keys.Close()
	}
	b.bearerKeys = nil
}
