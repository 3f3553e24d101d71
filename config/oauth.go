package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/barnabas-mq/barnabas/internal/jaas"
	"github.com/barnabas-mq/barnabas/internal/ssl"
)

const (
	mechanismOAuth = "OAUTHBEARER"

	oauthModule = jaas.OAuthModule
	// oauthUnsecuredHandler takes tokens that nobody signed.
	oauthUnsecuredHandler = "org.apache.kafka.common.security.oauthbearer.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler"

	oauthJAAS    = "oauthbearer.sasl.jaas.config"
	oauthURL     = "sasl.oauthbearer.jwks.endpoint.url"
	handlerClass = "sasl.server.callback.handler.class"
	validator    = "sasl.oauthbearer.jwt.validator.class"
)

// oauthSignedHandlers take tokens that somebody signed; the second was its name before 4.0.
var oauthSignedHandlers = []string{
	"org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler",
	"org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerValidatorCallbackHandler",
}

// oauthValidators are the classes that look at signatures. ClientJwtValidator does not.
var oauthValidators = []string{
	"org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator", "org.apache.kafka.common.security.oauthbearer.BrokerJwtValidator",
}

// OAuth is which tokens a listener with OAUTHBEARER takes.
type OAuth struct {
	// Keys are those that sign tokens; nil: nobody signs them.
	Keys *OAuthKeys
	// Audience and Issuer are of signed tokens alone, RequiredScope of unsecured ones.
	Audience                 []string
	Issuer                   string
	RequiredScope            []string
	ScopeClaim, SubjectClaim string
	ClockSkew                time.Duration
}

// OAuthKeys are where the keys that sign tokens are found (sasl.oauthbearer.jwks.endpoint.*).
type OAuthKeys struct {
	// URL is of the scheme http, https or file; File is the path of the latter.
	URL, File                    string
	Refresh, Backoff, BackoffMax time.Duration
	// TLS is how an https URL is asked: the ssl.* options of the login module. AnyHost is
	// an empty ssl.endpoint.identification.algorithm.
	TLS     ssl.Settings
	AnyHost bool
}

// oauth gathers a listener's settings of OAUTHBEARER. A fault is of the setting key.
func (r *reader) oauth(listener string) (o *OAuth, key string, err error) {
	options, err := r.oauthOptions(listener)
	if err != nil {
		return nil, listenersOwn(listener, oauthJAAS), err
	}
	class, _ := r.raw(listenersOwn(listener, "oauthbearer."+handlerClass))
	location := r.oauthText(listener, oauthURL)
	switch class = strings.TrimSpace(class); {
	case class != "" && !isKnownHandler(listenersOwn(listener, "oauthbearer."+handlerClass), class): // never open for it
		return nil, listenersOwn(listener, "oauthbearer."+handlerClass), errors.New("it asks for protection that is not built yet: classes of your own cannot be loaded")
	case class == oauthUnsecuredHandler, location == "" && !slices.Contains(oauthSignedHandlers, class):
		o, err = unsecured(options)
		return o, listenersOwn(listener, oauthJAAS), err
	case location == "":
		return nil, listenersOwn(listener, "oauthbearer."+handlerClass), fmt.Errorf("signed tokens need %s, which says where the keys are that sign them", oauthURL)
	case !slices.Contains(oauthValidators, r.oauthText(listener, validator)):
		return nil, r.oauthWrittenAs(listener, validator), errors.New("classes of your own cannot be loaded")
	}
	return r.signed(listener, location, options)
}

// unsecured reads the options of Kafka's OAuthBearerUnsecuredValidatorCallbackHandler.
// What a login module is for, the broker's own logins, is not looked at.
func unsecured(options map[string]string) (*OAuth, error) {
	if options == nil {
		return nil, fmt.Errorf("OAUTHBEARER takes tokens that nobody signed, for development, if you say so: %s required;", oauthModule)
	}
	option := func(name, without string) string {
		if v := strings.TrimSpace(options["unsecuredValidator"+name]); v != "" {
			return v
		}
		return without
	}
	o := &OAuth{SubjectClaim: option("PrincipalClaimName", "sub"), ScopeClaim: option("ScopeClaimName", "scope")}
	for scope := range strings.SplitSeq(option("RequiredScope", ""), " ") {
		if scope == "" {
			continue
		}
		if strings.ContainsFunc(scope, func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\\' }) { // RFC 6749, section 3.3
			return nil, errors.New("unsecuredValidatorRequiredScope has a scope that is none")
		}
		o.RequiredScope = append(o.RequiredScope, scope)
	}
	skew, ok := parseCount(option("AllowableClockSkewMs", "0"))
	if !ok {
		return nil, errors.New("unsecuredValidatorAllowableClockSkewMs is no number of milliseconds")
	}
	o.ClockSkew = time.Duration(skew) * time.Millisecond
	return o, nil
}

// signed reads what Kafka's OAuthBearerValidatorCallbackHandler does.
func (r *reader) signed(listener, location string, options map[string]string) (o *OAuth, key string, err error) {
	text := func(key string) string { return r.oauthText(listener, key) }
	millis := func(key string) time.Duration {
		n, _ := strconv.ParseInt(text(key), 10, 64) // was checked
		return durationOf(n, time.Millisecond)
	}
	keys := &OAuthKeys{
		URL: location, Refresh: millis("sasl.oauthbearer.jwks.endpoint.refresh.ms"),
		Backoff: millis("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms"), BackoffMax: millis("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms"),
	}
	skew, _ := strconv.ParseInt(text("sasl.oauthbearer.clock.skew.seconds"), 10, 32) // was checked
	o = &OAuth{
		Keys: keys, Issuer: text("sasl.oauthbearer.expected.issuer"), ClockSkew: time.Duration(skew) * time.Second,
		ScopeClaim: text("sasl.oauthbearer.scope.claim.name"), SubjectClaim: text("sasl.oauthbearer.sub.claim.name"),
		Audience: slices.DeleteFunc(parseList(text("sasl.oauthbearer.expected.audience")), func(s string) bool { return s == "" }),
	}
	for _, c := range []struct {
		key  string
		good bool
		want string
	}{
		{"sasl.oauthbearer.jwks.endpoint.refresh.ms", keys.Refresh > 0, "it must be above 0"},
		{"sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", keys.Backoff >= 0, "it must not be below 0"},
		{"sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", keys.BackoffMax >= 0, "it must not be below 0"},
		{"sasl.oauthbearer.clock.skew.seconds", o.ClockSkew >= 0, "it must not be below 0"},
		{"sasl.oauthbearer.scope.claim.name", o.ScopeClaim != "", "it must not be empty"},
		{"sasl.oauthbearer.sub.claim.name", o.SubjectClaim != "", "it must not be empty"},
	} {
		if !c.good {
			return nil, r.oauthWrittenAs(listener, c.key), errors.New(c.want)
		}
	}
	if err := keys.locate(options); err != nil {
		return nil, r.oauthWrittenAs(listener, oauthURL), err
	}
	return o, "", nil
}

// locate takes the URL apart.
func (k *OAuthKeys) locate(options map[string]string) error {
	u, err := url.Parse(k.URL)
	if err != nil {
		return errors.New("it is no URL") // which may have a password in it
	}
	switch u.Scheme {
	case "file":
		if u.Host != "" { // else the first folder would be lost
			return fmt.Errorf("it names the host %.64q; write file:///%.200s", u.Host, u.Host+u.Path)
		}
		if k.File = u.Path; k.File == "" {
			return errors.New("it names no file; file:///etc/barnabas/jwks.json does")
		}
		return nil
	case "http", "https": // http may send on to https
		text := func(key string) string {
			if v := strings.TrimSpace(options[key]); v != "" {
				return v
			}
			known, _ := Lookup(ScopeBroker, key)
			return known.Default
		}
		k.TLS = ssl.Gather(text)
		algorithm, set := options["ssl.endpoint.identification.algorithm"]
		k.AnyHost = set && strings.TrimSpace(algorithm) == ""
	default:
		return errors.New("it must be a URL of http, https or file")
	}
	switch {
	case u.Hostname() == "":
		return errors.New("it names no host")
	case u.User != nil: // everybody may read it (DescribeConfigs)
		return errors.New("it has a user in it")
	}
	return nil
}

// oauthOptions are those of the login module of a listener, nil where there is none.
func (r *reader) oauthOptions(listener string) (map[string]string, error) {
	text, _ := r.raw(listenersOwn(listener, oauthJAAS))
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	modules, err := jaas.ParseConfig(text)
	if err != nil {
		return nil, err
	}
	if len(modules) != 1 || modules[0].Class != oauthModule {
		return nil, fmt.Errorf("OAUTHBEARER has one login module, %s", oauthModule)
	}
	return modules[0].Options, nil
}

// oauthText is a setting of a listener's mechanism, of the listener, or of all.
func (r *reader) oauthText(listener, key string) string {
	if v, set := r.raw(listenersOwn(listener, "oauthbearer."+key)); set {
		return strings.TrimSpace(v)
	}
	return r.ownText(listener, key)
}

func (r *reader) oauthWrittenAs(listener, key string) string {
	if own := listenersOwn(listener, "oauthbearer."+key); r.isSet(own) {
		return own
	}
	return r.writtenAs(listener, key)
}

// isKnownHandler tells whether a class that looks at logins is one whose work is done
// here. As in Kafka it is named for a listener and a mechanism.
func isKnownHandler(name, class string) bool {
	return strings.HasSuffix(name, ".oauthbearer."+handlerClass) && (class == oauthUnsecuredHandler || slices.Contains(oauthSignedHandlers, class))
}
