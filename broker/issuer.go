package broker

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/internal/ssl"
)

// issuer is who signs tokens, and tells its keys by HTTP. It is asked once an hour: a
// request is a connection. Go's own HTTP client, with its pools, proxies and HTTP/2, would
// be a megabyte of binary.
type issuer struct{ keys config.OAuthKeys }

const (
	// keySetBytesMax bounds an answer: a key has half a kilobyte, with certificates three.
	keySetBytesMax = 1 << 20
	// answerBytesMax is that, and the headers.
	answerBytesMax = keySetBytesMax + 64<<10
	redirectsMax   = 3
)

// fetch asks for the keys.
func (i *issuer) fetch(ctx context.Context) ([]byte, error) {
	at, err := url.Parse(i.keys.URL)
	for range redirectsMax + 1 {
		if err != nil {
			return nil, err
		}
		var body []byte
		var next *url.URL
		body, next, err = i.ask(ctx, at)
		if err != nil && ctx.Err() != nil {
			err = ctx.Err() // and not that of the connection, which was closed for it
		}
		if err != nil || next == nil {
			return body, err
		}
		if next.Scheme != "https" && next.Scheme != at.Scheme || next.Hostname() == "" { // what came by TLS is not left to others
			return nil, fmt.Errorf("%s sends on to %.128q", at.Host, next)
		}
		at = next
	}
	return nil, fmt.Errorf("it sends on more than %d times", redirectsMax)
}

// ask is one request; next is where it sends on to, if it does.
func (i *issuer) ask(ctx context.Context, at *url.URL) (body []byte, next *url.URL, err error) {
	c, err := i.dial(ctx, at)
	if err != nil {
		return nil, nil, err
	}
	defer c.Close()                                          //nolint:errcheck // all that was to come has
	defer context.AfterFunc(ctx, func() { _ = c.Close() })() // which ends what waits
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: barnabas\r\nAccept: application/json\r\nConnection: close\r\n\r\n", at.RequestURI(), at.Host); err != nil {
		return nil, nil, err
	}
	response, err := http.ReadResponse(bufio.NewReader(io.LimitReader(c, answerBytesMax)), nil)
	if err != nil {
		return nil, nil, fmt.Errorf("%s gives no answer that is HTTP: %w", at.Host, err)
	}
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		next, err = at.Parse(response.Header.Get("Location"))
		return nil, next, err
	default:
		return nil, nil, fmt.Errorf("%s answers with the status %d", at.Host, response.StatusCode)
	}
	body, err = io.ReadAll(io.LimitReader(response.Body, keySetBytesMax+1))
	if err == nil && len(body) > keySetBytesMax {
		err = fmt.Errorf("%s answers with more than %d bytes", at.Host, keySetBytesMax)
	}
	return body, nil, err
}

// dial connects, with TLS where the URL asks for it.
func (i *issuer) dial(ctx context.Context, at *url.URL) (net.Conn, error) {
	port := at.Port()
	if port == "" {
		port = at.Scheme // the names of the services are those of the schemes
	}
	c, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(at.Hostname(), port))
	if err != nil || at.Scheme == "http" {
		return c, err
	}
	secured, err := i.secure(ctx, c, at.Hostname())
	if err != nil {
		_ = c.Close() // the handshake says why
		return nil, err
	}
	return secured, nil
}

func (i *issuer) secure(ctx context.Context, c net.Conn, host string) (net.Conn, error) {
	security, err := i.security()
	if err != nil {
		return nil, err
	}
	security.ServerName = host
	secured := tls.Client(c, security)
	return secured, secured.HandshakeContext(ctx)
}

// security is TLS as the ssl.* options of the login module have it. Files are read each
// time, so that they can be exchanged.
func (i *issuer) security() (*tls.Config, error) {
	security, err := ssl.Client(i.keys.TLS, !i.keys.AnyHost, readKeyFile)
	if err != nil {
		return nil, fmt.Errorf("the options of the login module: %w", err)
	}
	return security, nil
}
