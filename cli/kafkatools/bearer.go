package kafkatools

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
)

// bearer is how sasl.mechanism=OAUTHBEARER has a client show a token: one that it makes
// itself and nobody signs (OAuthBearerUnsecuredLoginCallbackHandler), or that of a file
// (OAuthBearerLoginCallbackHandler with a file: URL). The class decides, and without one
// whether there is a URL.
func (p properties) bearer(options map[string]string) (sasl.Mechanism, error) {
	const classes, key = "org.apache.kafka.common.security.oauthbearer.", "sasl.oauthbearer.token.endpoint.url"
	class, location := strings.TrimSpace(p["sasl.login.callback.handler.class"]), strings.TrimSpace(p[key])
	switch strings.TrimPrefix(class, classes) {
	case "":
	case "internals.unsecured.OAuthBearerUnsecuredLoginCallbackHandler":
		location = ""
	case "OAuthBearerLoginCallbackHandler", "secured.OAuthBearerLoginCallbackHandler":
		if location == "" {
			return nil, says("The OAuth configuration option %s value is required", key)
		}
	default:
		return nil, fmt.Errorf("sasl.login.callback.handler.class=%s: these tools know Kafka's own two for OAUTHBEARER", class)
	}
	if location != "" {
		u, err := url.Parse(location)
		if err != nil || u.Scheme != "file" || u.Path == "" {
			return nil, fmt.Errorf("%s: these tools read a token from a file only, file:///path", key)
		}
		if u.Host != "" {
			return nil, fmt.Errorf("%s: it names the host %q; write file:///%s", key, u.Host, u.Host+u.Path)
		}
		return bearerLogin(func() (oauth.Auth, error) {
			token, err := os.ReadFile(u.Path)
			return oauth.Auth{Token: strings.TrimSpace(string(token))}, err
		}), nil
	}
	if _, err := unsecuredToken(options, time.Now()); err != nil {
		return nil, err
	}
	return bearerLogin(func() (oauth.Auth, error) { return unsecuredToken(options, time.Now()) }), nil
}

// Options of the login module for unsecured tokens.
const (
	loginPrefix     = "unsecuredLogin"
	stringClaim     = loginPrefix + "StringClaim_"
	numberClaim     = loginPrefix + "NumberClaim_"
	listClaim       = loginPrefix + "ListClaim_"
	extensionPrefix = loginPrefix + "Extension_"
)

// unsecuredToken makes a token of the claims that the options name.
func unsecuredToken(options map[string]string, now time.Time) (oauth.Auth, error) {
	lifetime := int64(3600)
	if text, set := options[loginPrefix+"LifetimeSeconds"]; set {
		var err error
		if lifetime, err = strconv.ParseInt(text, 10, 64); err != nil {
			return oauth.Auth{}, says("For input string: \"%s\"", text)
		}
	}
	seconds := float64(now.UnixMilli()) / 1e3
	claims := map[string]any{"exp": seconds + float64(lifetime), "iat": seconds}
	auth := oauth.Auth{Extensions: map[string]string{}}
	for option, value := range options {
		name, claim, err := unsecuredClaim(option, value)
		extension, isExtension := strings.CutPrefix(option, extensionPrefix)
		switch {
		case err != nil:
			return oauth.Auth{}, err
		case isExtension:
			auth.Extensions[extension] = value
		case name == "exp" || name == "iat":
			return oauth.Auth{}, says("Cannot explicitly set the '%s' claim", name)
		case name != "":
			claims[name] = claim
		}
	}
	principal := "sub"
	if text := strings.TrimSpace(options[loginPrefix+"PrincipalClaimName"]); text != "" {
		principal = text
	}
	if name, _ := claims[principal].(string); strings.TrimSpace(name) == "" {
		return oauth.Auth{}, says("No principal name in JWT claim: %s", principal)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return oauth.Auth{}, err
	}
	encode := base64.RawURLEncoding.EncodeToString
	auth.Token = encode([]byte(`{"alg":"none"}`)) + "." + encode(payload) + "."
	return auth, nil
}

// unsecuredClaim is the claim that an option names, if it does. A list begins with what
// separates its elements.
func unsecuredClaim(option, value string) (name string, claim any, err error) {
	if name, is := strings.CutPrefix(option, stringClaim); is {
		return name, value, nil
	}
	if name, is := strings.CutPrefix(option, numberClaim); is {
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return "", nil, says("For input string: \"%s\"", value)
		}
		return name, n, nil
	}
	if name, is := strings.CutPrefix(option, listClaim); is {
		if len(value) <= 1 {
			return name, []string{}, nil
		}
		return name, strings.Split(value[1:], value[:1]), nil
	}
	return "", nil, nil
}

// bearerLogin is the mechanism. A token that is not taken is answered as RFC 7628, section
// 3.2.3, has it, so that the broker says what is wrong in an error.
type bearerLogin func() (oauth.Auth, error)

func (bearerLogin) Name() string { return "OAUTHBEARER" }

func (b bearerLogin) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	_, first, err := oauth.Oauth(func(context.Context) (oauth.Auth, error) { return b() }).Authenticate(ctx, host)
	return &bearerSession{}, first, err
}

type bearerSession struct{ refused bool }

func (s *bearerSession) Challenge(answer []byte) (done bool, message []byte, err error) {
	switch {
	case len(answer) == 0 && !s.refused:
		return true, nil, nil
	case s.refused:
		return false, nil, errors.New("the broker goes on after it has refused the token")
	}
	s.refused = true
	return false, []byte{1}, nil
}
