package kerberos

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"
)

// A client without a reply goes on with its own key, or the session's.
func TestALoginWithoutAReply(t *testing.T) {
	for _, e := range etypes {
		for _, subkey := range []bool{false, true} {
			l, k := newLogin(e), keyOf(e, 'k')
			if subkey {
				k = keyOf(e, 'x')
				l.subkey = &k
			}
			c := newAcceptor(t).NewContext()
			if answer, err := c.Accept(l.token()); err != nil || answer != nil {
				t.Fatalf("%s: %x, %v", e.name, answer, err)
			}
			if c.Client().String() != "alice@EXAMPLE.COM" {
				t.Errorf("the client is %s", c.Client())
			}
			if got := clientUnwrap(t, k, wrapAcceptor, 1000, c.Wrap([]byte("hello"))); string(got) != "hello" {
				t.Errorf("%s: %q", e.name, got)
			}
			if got, err := c.Unwrap(clientWrap(k, 0, 1000, []byte("well"))); err != nil || string(got) != "well" {
				t.Errorf("%s: %q, %v", e.name, got, err)
			}
		}
	}
}

// Who asks for a reply gets the acceptor's key with it, and has to use it.
func TestALoginWithAReply(t *testing.T) {
	for _, e := range etypes {
		l := newLogin(e)
		l.gssFlags |= flagMutual
		c := newAcceptor(t).NewContext()
		answer, err := c.Accept(l.token())
		if err != nil {
			t.Fatal(err)
		}
		in := newInput(answer).within(0x60)
		in.element(tagOID)
		raw, ok := bytes.CutPrefix(in.rest, tokenReply)
		in = newInput(raw).within(message(messageReply)).within(tagSequence)
		in.constant(0, version)
		in.constant(1, messageReply)
		sealed := in.encrypted(2)
		part, err := l.session.decrypt(usageReply, sealed.cipher)
		if err != nil || !ok || in.fault.err != nil {
			t.Fatalf("%x: %v, %v", answer, err, in.fault.err)
		}
		in = newInput(part).within(message(messageReplyPart)).within(tagSequence)
		at := in.time(0)
		micros := in.number(1)
		chosen := in.key(2)
		sequence := in.number(3)
		if in.end(); in.fault.err != nil || !at.Equal(noon) || micros != 123456 {
			t.Errorf("%v, %d, %v", at, micros, in.fault.err)
		}
		k, err := newKey(chosen.etype, chosen.value)
		if err != nil {
			t.Fatal(err)
		}
		clientUnwrap(t, k, wrapAcceptor|wrapOwn, uint64(sequence), c.Wrap([]byte("hello")))
		for _, other := range [][]byte{
			clientWrap(l.session, 0, 1000, nil), clientWrap(l.session, wrapOwn, 1000, nil), clientWrap(k, 0, 1000, nil),
		} {
			if _, err := c.Unwrap(other); err == nil {
				t.Errorf("%s: a token of another key is taken", e.name)
			}
		}
		if got, err := c.Unwrap(clientWrap(k, wrapOwn, 1000, []byte("well"))); err != nil || string(got) != "well" {
			t.Errorf("%s: %q, %v", e.name, got, err)
		}
	}
}

// Every request that is not good is refused, with a code and a line that says why.
func TestRequestsThatAreRefused(t *testing.T) {
	e := etypes[2]
	other := Principal{[]string{"bob"}, "EXAMPLE.COM"}
	for _, c := range []struct {
		name   string
		change func(*login)
		code   Code
		want   string
	}{
		{"an expired ticket", func(l *login) { l.until = noon.Add(-Skew - time.Second) }, CodeExpired, "has expired at 2026-11-27 11:54:59"},
		{"a ticket of later", func(l *login) { l.from = noon.Add(Skew + time.Second) }, CodeNotYetValid, "not valid before 2026-11-27 12:05:01"},
		{"a ticket of a later login", func(l *login) { l.authTime = noon.Add(Skew + time.Second) }, CodeNotYetValid, "not valid before"},
		{"a post-dated ticket that nobody has validated", func(l *login) { l.flags = ticketInvalid }, CodeNotYetValid, "not valid before"},
		{"another key of the service", func(l *login) { l.serviceKey = keyOf(e, 'o') }, CodeNotOpened, `is for "kafka/broker.example.com@EXAMPLE.COM" with key version 3`},
		{"another service", func(l *login) {
			l.service, l.serviceKey = Principal{[]string{"HTTP", "web"}, "EXAMPLE.COM"}, keyOf(e, 'h')
		}, CodeNotOpened, `is for "HTTP/web@EXAMPLE.COM"`},
		{"a broken encryption type", func(l *login) {
			l.serviceKey.etype = &etype{id: 23, macBytes: 12, keyBytes: 32, macKeyBytes: 32, hash: e.hash}
		},
			CodeEncryption, "arcfour-hmac, which is broken"},
		{"an unknown encryption type", func(l *login) {
			l.serviceKey.etype = &etype{id: 99, macBytes: 12, keyBytes: 32, macKeyBytes: 32, hash: e.hash}
		},
			CodeNotOpened, "no key of its encryption type, 99"},
		{"a broken session key", func(l *login) { l.session.etype = &etype{id: 16} }, CodeEncryption, "des3-cbc-sha1-kd"},
		{"a session key that is too short", func(l *login) { l.session.value = l.session.value[1:] }, CodeEncryption, "has 32 bytes and not 31"},
		{"a broken sub-key", func(l *login) { l.subkey = &key{&etype{id: 23}, make([]byte, 16)} }, CodeEncryption, "the sub-key of"},
		{"a ticket of somebody else", func(l *login) { l.claimed = other }, CodeBadMatch, `"bob@EXAMPLE.COM" shows the ticket of "alice@EXAMPLE.COM"`},
		{"the same name of another realm", func(l *login) { l.claimed.Realm = "OTHER.COM" }, CodeBadMatch, "shows the ticket"},
		{"a stolen ticket", func(l *login) { l.authorizer = keyOf(e, 'z') }, CodeNotOpened, "cannot be opened"},
		{"an authenticator of another type", func(l *login) { l.authorizer = keyOf(etypes[0], 'k') }, CodeNotOpened, "not of the session key's type"},
		{"a clock that is behind", func(l *login) { l.at = noon.Add(-Skew - time.Second) }, CodeSkew, "differs by -5m1s"},
		{"a clock that is ahead", func(l *login) { l.at = noon.Add(Skew + time.Second) }, CodeSkew, "differs by 5m1s"},
		{"another checksum", func(l *login) { l.sumKind = 16 }, CodeBadChecksum, "none of GSS-API"},
		{"no flags", func(l *login) { l.checksum = binary.LittleEndian.AppendUint32(nil, bindingBytes) }, CodeBadChecksum, "none of GSS-API"},
		{"bindings of another size", func(l *login) { l.checksum = make([]byte, checksumBytesMin) }, CodeBadChecksum, "none of GSS-API"},
		{"realms that nobody has looked at", func(l *login) {
			l.client.Realm, l.claimed.Realm, l.transited = "FAR.COM", "FAR.COM", []byte("BETWEEN.COM")
		}, CodeBadPath, "no KDC has looked at the realms"},
		{"a name of the service's realm by such realms", func(l *login) { l.transited = []byte("BETWEEN.COM") }, CodeBadPath, "no KDC has looked at the realms"},
		{"a login among users", func(l *login) { l.options = optionSessionKey }, CodeUnsuited, "among users"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLogin(e)
			c.change(l)
			answer, err := newAcceptor(t).NewContext().Accept(l.token())
			var refused *Error
			if !errors.As(err, &refused) || answer != nil {
				t.Fatalf("%x, %v", answer, err)
			}
			if refused.Code != c.code || !strings.Contains(refused.Reason, c.want) {
				t.Errorf("%v; want %d, %q", err, c.code, c.want)
			}
			if again := c.code == CodeNotYetValid; refused.Retriable() != again {
				t.Errorf("%v: it may succeed later: %v", err, refused.Retriable())
			}
		})
	}
}

// Requests at the edges of what is good are accepted.
func TestRequestsThatAreJustGood(t *testing.T) {
	for name, change := range map[string]func(*login){
		"a ticket that has just expired":   func(l *login) { l.until = noon.Add(-Skew) },
		"a ticket of in a moment":          func(l *login) { l.from = noon.Add(Skew) },
		"a renewed ticket":                 func(l *login) { l.authTime, l.from = noon.Add(-24*time.Hour), noon.Add(-time.Hour) },
		"a ticket without a key's version": func(l *login) { l.unnumbered = true },
		"a ticket of another version":      func(l *login) { l.keyVersion = 259 },
		"another name of the service":      func(l *login) { l.service.Components = []string{"kafka", "alias"} },
		"a clock that is behind":           func(l *login) { l.at = noon.Add(-Skew) },
		"another realm, directly":          func(l *login) { l.client.Realm, l.claimed.Realm = "OTHER.COM", "OTHER.COM" },
		"another realm, by one looked at": func(l *login) {
			l.client.Realm, l.claimed.Realm, l.transited, l.flags = "FAR.COM", "FAR.COM", []byte("B"), ticketTransitedChecked
		},
		"channel bindings, which are nothing": func(l *login) { l.checksum = append([]byte{16, 0, 0, 0}, bytes.Repeat([]byte{9}, 20)...) },
		"a credential to hand on": func(l *login) {
			l.checksum = append(append([]byte{16, 0, 0, 0}, make([]byte, 20)...), 1, 0, 2, 0, 8, 9)
		},
		"a session key of another type": func(l *login) { l.session, l.authorizer = keyOf(etypes[1], 'k'), keyOf(etypes[1], 'k') },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLogin(etypes[2])
			change(l)
			if _, err := newAcceptor(t).NewContext().Accept(l.token()); err != nil {
				t.Error(err)
			}
		})
	}
}

// A key that was exchanged opens the tickets that clients have, as long as it is in the keytab.
func TestKeysThatAreExchanged(t *testing.T) {
	e := etypes[2]
	before, after := keyOf(e, 's'), keyOf(e, 'n')
	l := newLogin(e)
	if _, err := newAcceptor(t, entry(after, 4), entry(before, 3)).NewContext().Accept(l.token()); err != nil {
		t.Error(err)
	}
	if _, err := newAcceptor(t, entry(after, 4)).NewContext().Accept(l.token()); err == nil {
		t.Error("a key that is gone opens a ticket")
	}
}

// unsealed are the bytes of a token of l that may change, each named: they stand outside of the
// two seals, and are for people.
func (l *login) unsealed(t *testing.T, token []byte) map[int]string {
	at := make(map[int]string)
	for _, part := range []struct {
		name    string
		encoded []byte
		bytes   int // at the end of what is encoded
	}{
		{"the request's options", bitField(2, l.options), 5},
		{"the service's realm", textField(1, l.service.Realm), len(l.service.Realm)},
		{"the kind of the service's name", number(0, 1), 1},
		{"the service's first component", element(tagString, []byte(l.service.Components[0])), len(l.service.Components[0])},
		{"the service's second component", element(tagString, []byte(l.service.Components[1])), len(l.service.Components[1])},
		{"the version of the key", number(1, l.keyVersion), 1},
	} {
		from := bytes.Index(token, part.encoded)
		if from < 0 || bytes.Count(token, part.encoded) != 1 {
			t.Fatalf("%s stands %d times in the token", part.name, bytes.Count(token, part.encoded))
		}
		for n := range part.bytes {
			at[from+len(part.encoded)-1-n] = part.name
		}
	}
	return at
}

// A token that is cut or changed anywhere is refused, but for what says nothing.
func TestTokensThatAreChanged(t *testing.T) {
	l := newLogin(etypes[0])
	token := l.token()
	unsealed := l.unsealed(t, token)
	changes := make(map[string]bool)
	for at := range token {
		if _, err := newAcceptor(t).NewContext().Accept(token[:at]); err == nil {
			t.Errorf("it may end at byte %d", at)
		}
		for _, bit := range []byte{1, 0x80} {
			changed := bytes.Clone(token)
			changed[at] ^= bit
			c := newAcceptor(t).NewContext()
			if _, err := c.Accept(changed); err != nil {
				continue
			}
			if changes[unsealed[at]] = true; unsealed[at] == "" || c.Client().String() != "alice@EXAMPLE.COM" {
				t.Errorf("byte %d of %d may change, for %s", at, len(token), c.Client())
			}
		}
	}
	for at, name := range unsealed {
		if !changes[name] {
			t.Errorf("%s, byte %d, may not change", name, at)
		}
	}
	for name, bad := range map[string][]byte{
		"nothing":               nil,
		"more behind it":        append(bytes.Clone(token), 0),
		"an endless length":     {0x60, 0x80, 6, 9},
		"a huge length":         {0x60, 0x84, 0xff, 0xff, 0xff, 0xff, 6, 9},
		"a long huge length":    {0x60, 0x83, 0xff, 0xff, 0xff, 6, 9},
		"SPNEGO":                element(0x60, element(tagOID, []byte{0x2b, 6, 1, 5, 5, 2}), tokenRequest, l.request()),
		"a reply":               element(0x60, element(tagOID, krb5), tokenReply, l.request()),
		"a request without GSS": l.request(),
		"a wrapped message":     clientWrap(l.session, 0, 0, []byte{1, 0, 0, 0}),
	} {
		if _, err := newAcceptor(t).NewContext().Accept(bad); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// A message of the client's counts unchanged alone, in its place where it has said so.
func TestMessagesThatAreChanged(t *testing.T) {
	l := newLogin(etypes[2])
	k := l.session
	begun := func(flags uint32) *Context {
		l.gssFlags = flags
		c := newAcceptor(t).NewContext()
		if _, err := c.Accept(l.token()); err != nil {
			t.Fatal(err)
		}
		return c
	}
	token := clientWrap(k, 0, 1000, []byte{1, 0, 0, 0})
	for at := range token {
		if _, err := begun(flagSequence).Unwrap(token[:at]); err == nil {
			t.Errorf("it may end at byte %d", at)
		}
		changed := bytes.Clone(token)
		changed[at] ^= 1
		if _, err := begun(flagSequence).Unwrap(changed); err == nil && at != headerRRC { // turned by 256 bytes its 16 are as they were
			t.Errorf("byte %d may change", at)
		}
	}
	// Windows turns the checksum to the front, by as much as it likes.
	for by := range 40 {
		turned := bytes.Clone(token)
		binary.BigEndian.PutUint16(turned[headerRRC:], uint16(by))
		body := token[headerBytes:]
		for i, b := range body {
			turned[headerBytes+(i+by)%len(body)] = b
		}
		if got, err := begun(flagSequence).Unwrap(turned); err != nil || !bytes.Equal(got, []byte{1, 0, 0, 0}) {
			t.Errorf("turned by %d: %x, %v", by, got, err)
		}
	}
	for name, bad := range map[string][]byte{
		"an acceptor's":       clientWrap(k, wrapAcceptor, 1000, []byte{1, 0, 0, 0}),
		"an encrypted one":    clientWrap(k, wrapSealed, 1000, []byte{1, 0, 0, 0}),
		"the acceptor's key":  clientWrap(k, wrapOwn, 1000, []byte{1, 0, 0, 0}),
		"one that is too low": clientWrap(k, 0, 999, []byte{1, 0, 0, 0}),
		"one of later":        clientWrap(k, 0, 1001, []byte{1, 0, 0, 0}),
	} {
		if _, err := begun(flagSequence).Unwrap(bad); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	// Clients without numbers write 0 (sarama), whatever their authenticator says.
	if _, err := begun(0).Unwrap(clientWrap(k, 0, 0, []byte{1, 0, 0, 0})); err != nil {
		t.Error(err)
	}
}

func FuzzAccept(f *testing.F) {
	l := newLogin(etypes[2])
	f.Add(l.token())
	f.Add(element(0x60, element(tagOID, krb5), tokenRequest))
	f.Add([]byte{0x60, 0x84, 0xff, 0xff, 0xff, 0xff})
	a := newAcceptor(f)
	f.Fuzz(func(t *testing.T, token []byte) {
		c := a.NewContext()
		if _, err := c.Accept(token); err == nil && c.Client().String() != "alice@EXAMPLE.COM" {
			t.Errorf("%s came in", c.Client())
		}
	})
}

// What is sealed is somebody's who has a ticket, or of a KDC, and still no reason to fall over.
func FuzzSealedParts(f *testing.F) {
	l := newLogin(etypes[2])
	f.Add(l.ticketPart())
	f.Add(l.authenticator())
	f.Add(l.request())
	f.Fuzz(func(t *testing.T, raw []byte) {
		if p, err := parseTicketPart(raw); err == nil && len(p.client.Components) == 0 {
			t.Error("a ticket of nobody")
		}
		if a, err := parseAuthenticator(raw); err == nil && len(a.client.Components) == 0 {
			t.Error("an authenticator of nobody")
		}
		_, _ = parseRequest(raw)
	})
}

func FuzzUnwrap(f *testing.F) {
	l := newLogin(etypes[2])
	f.Add(clientWrap(l.session, 0, 1000, []byte{1, 0, 0, 0}))
	c := newAcceptor(f).NewContext()
	if _, err := c.Accept(l.token()); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(_ *testing.T, token []byte) { _, _ = c.Unwrap(token) })
}
