package kerberos

import (
	"bytes"
	"crypto/aes"
	"crypto/hmac"
	"encoding/binary"
	"time"
)

// Options are what an acceptor needs.
type Options struct {
	// Keys are those of the service, as they are now.
	Keys func() Keys
	// Now is the wall clock, and Random fills with what nobody can guess.
	Now    func() time.Time
	Random func([]byte)
	// Replays are the requests that were seen.
	Replays *Replays
}

// Skew is how much clocks may differ: five minutes everywhere in Kerberos.
const Skew = 5 * time.Minute

// Acceptor is a service whose clients come with tickets.
type Acceptor struct{ options Options }

// NewAcceptor makes the service.
func NewAcceptor(o Options) *Acceptor { return &Acceptor{o} }

// Context is a client's security context. It is of one goroutine.
type Context struct {
	acceptor *Acceptor
	client   Principal
	// key wraps messages, one that the acceptor has chosen (own) or that the client has.
	key key
	own bool
	// sent and received are the numbers of the next messages; those of the client are looked at
	// if it has said so.
	sent, received uint64
	ordered        bool
}

// NewContext begins a context.
func (a *Acceptor) NewContext() *Context { return &Context{acceptor: a} }

// Client is who has come, once its token was accepted.
func (c *Context) Client() Principal { return c.client }

// krb5 is the mechanism's OID, 1.2.840.113554.1.2.2.
var krb5 = []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02}

// The kinds of tokens (RFC 4121, section 4.1).
var (
	tokenRequest = []byte{1, 0}
	tokenReply   = []byte{2, 0}
)

// Flags of the checksum that a client's authenticator has (RFC 4121, section 4.1.1.1).
const (
	flagMutual   = 2
	flagReplay   = 4
	flagSequence = 8

	checksumGSS      = 0x8003
	checksumBytesMin = 24
	bindingBytes     = 16
)

// Accept takes a client's first token, an InitialContextToken of RFC 2743, section 3.1, with
// an AP-REQ. The answer is an AP-REP for a client that wants one, and nil for one that does not.
func (c *Context) Accept(token []byte) (answer []byte, err error) {
	in := newInput(token)
	framed := in.within(0x60)
	in.end()
	oid := framed.element(tagOID)
	if err := in.fault.err; err != nil {
		return nil, refuse(CodeUnsuited, "the first token is none of GSS-API: %v", err)
	}
	if !bytes.Equal(oid, krb5) {
		return nil, refuse(CodeUnsuited, "the first token is of another mechanism of GSS-API than Kerberos 5")
	}
	raw, ok := bytes.CutPrefix(framed.rest, tokenRequest)
	if !ok {
		return nil, refuse(CodeUnsuited, "the first token has no request (AP-REQ)")
	}
	r, err := parseRequest(raw)
	if err != nil {
		return nil, refuse(CodeUnsuited, "the request (AP-REQ) cannot be read: %v", err)
	}
	t, session, err := c.acceptor.openTicket(r)
	if err != nil {
		return nil, err
	}
	a, err := c.acceptor.openAuthenticator(r, t, session)
	if err != nil {
		return nil, err
	}
	return c.establish(a, t.client, session)
}

// openTicket opens a ticket and looks whether it is good for the service, now.
func (a *Acceptor) openTicket(r request) (t ticketPart, session key, err error) {
	if ended := endedTypes[r.ticket.etype]; ended != "" {
		return t, session, refuse(CodeEncryption, "the ticket is of %s, which is broken and not taken (RFC 8429): give %.128q a key of %s",
			ended, r.service, etypes[2].name)
	}
	if r.options&optionSessionKey != 0 {
		return t, session, refuse(CodeUnsuited, "the ticket is of a login among users")
	}
	raw, err := a.options.Keys().open(r.ticket)
	if err != nil {
		return t, session, refuse(CodeNotOpened, "the ticket, which says that it is for %.128q with key version %d, cannot be opened with the keytab: %v",
			r.service, r.ticket.keyVersion, err)
	}
	if t, err = parseTicketPart(raw); err != nil {
		return t, session, refuse(CodeUnsuited, "the ticket cannot be read: %v", err)
	}
	if session, err = newKey(t.session.etype, t.session.value); err != nil {
		return t, session, refuse(CodeEncryption, "the session key of %.128q: %v", t.client, err)
	}
	now := a.options.Now()
	switch {
	case t.flags&ticketInvalid != 0 || t.from.After(now.Add(Skew)):
		return t, session, refuse(CodeNotYetValid, "the ticket of %.128q is not valid before %s", t.client, t.from)
	case now.After(t.until.Add(Skew)):
		return t, session, refuse(CodeExpired, "the ticket of %.128q has expired at %s", t.client, t.until)
	case len(t.transited) > 0 && t.flags&ticketTransitedChecked == 0:
		return t, session, refuse(CodeBadPath, "no KDC has looked at the realms by which %.128q came", t.client)
	}
	return t, session, nil
}

// openAuthenticator looks whether the client has the session key, and says something new.
func (a *Acceptor) openAuthenticator(r request, t ticketPart, session key) (auth authenticator, err error) {
	if r.authenticator.etype != session.id {
		return auth, refuse(CodeNotOpened, "the authenticator of %.128q is not of the session key's type", t.client)
	}
	raw, err := session.decrypt(usageAuthenticator, r.authenticator.cipher)
	if err != nil {
		return auth, refuse(CodeNotOpened, "the authenticator of %.128q cannot be opened: %v", t.client, err)
	}
	if auth, err = parseAuthenticator(raw); err != nil {
		return auth, refuse(CodeUnsuited, "the authenticator of %.128q cannot be read: %v", t.client, err)
	}
	now := a.options.Now()
	switch off := auth.at.Sub(now); {
	case !auth.client.equal(t.client):
		return auth, refuse(CodeBadMatch, "%.128q shows the ticket of %.128q", auth.client, t.client)
	case off > Skew || off < -Skew:
		return auth, refuse(CodeSkew, "the clock of %.128q differs by %v", t.client, off)
	case auth.checksum.kind != checksumGSS || len(auth.checksum.value) < checksumBytesMin ||
		binary.LittleEndian.Uint32(auth.checksum.value) != bindingBytes:
		return auth, refuse(CodeBadChecksum, "the authenticator of %.128q is none of GSS-API", t.client)
	}
	if auth.flags()&flagMutual != 0 {
		return auth, nil // who repeats it has not the key that it gets
	}
	return auth, a.options.Replays.add(idOf(r.authenticator.cipher), t.client, auth.at, now)
}

// flags are those of the checksum, which is long enough.
func (a *authenticator) flags() uint32 { return binary.LittleEndian.Uint32(a.checksum.value[20:]) }

// establish agrees on the key and the first numbers. Who asks for a reply gets a new key with
// it: what was said in another context is worth nothing in this one, and its request need not be
// remembered. Without a reply the acceptor has nothing to say, and both go on with what the
// client has chosen.
func (c *Context) establish(a authenticator, client Principal, session key) (answer []byte, err error) {
	c.key = session
	if a.subkey != nil {
		if c.key, err = newKey(a.subkey.etype, a.subkey.value); err != nil {
			return nil, refuse(CodeEncryption, "the sub-key of %.128q: %v", client, err)
		}
	}
	flags := a.flags()
	c.client, c.ordered = client, flags&(flagReplay|flagSequence) != 0
	c.sent, c.received = uint64(a.sequence), uint64(a.sequence)
	if flags&flagMutual == 0 {
		return nil, nil
	}
	var number [4]byte
	c.acceptor.options.Random(number[:])
	// Numbers of 30 bits have no sign for anybody.
	sequence := binary.BigEndian.Uint32(number[:]) & (1<<30 - 1)
	c.sent, c.own = uint64(sequence), true
	c.key.value = make([]byte, c.key.keyBytes)
	c.acceptor.options.Random(c.key.value)
	confounder := make([]byte, aes.BlockSize)
	c.acceptor.options.Random(confounder)
	r := reply{a.at, c.key, sequence}
	return element(0x60, element(tagOID, krb5), tokenReply, r.seal(session, confounder)), nil
}

// A wrapped message has a header, itself and a checksum (RFC 4121, section 4.2.6.2).
const (
	headerBytes = 16
	headerEC    = 4 // where the checksum's size stands, and behind it by how much all is turned right
	headerRRC   = 6
	headerSeq   = 8

	wrapAcceptor = 1 // of the acceptor
	wrapSealed   = 2 // encrypted
	wrapOwn      = 4 // with the acceptor's key
)

// Wrap gives a message with its checksum, not encrypted.
func (c *Context) Wrap(message []byte) []byte {
	header := [headerBytes]byte{5, 4, wrapAcceptor, 0xff}
	if c.own {
		header[2] |= wrapOwn
	}
	binary.BigEndian.PutUint64(header[headerSeq:], c.sent)
	c.sent++
	sum := c.key.checksum(usageAcceptorSeal, message, header[:]) // of a header without the two sizes
	binary.BigEndian.PutUint16(header[headerEC:], uint16(len(sum)))
	return append(append(append(make([]byte, 0, headerBytes+len(message)+len(sum)), header[:]...), message...), sum...)
}

// Unwrap gives the message of a client's token.
func (c *Context) Unwrap(token []byte) ([]byte, error) {
	if len(token) < headerBytes || token[0] != 5 || token[1] != 4 || token[3] != 0xff {
		return nil, refuse(CodeUnsuited, "the token is no message that is wrapped")
	}
	header := [headerBytes]byte(token)
	if own := header[2]&wrapOwn != 0; header[2]&^wrapOwn != 0 || own != c.own {
		return nil, refuse(CodeUnsuited, "the token of %.128q is encrypted, of an acceptor or of another key", c.client)
	}
	size, turned := int(binary.BigEndian.Uint16(header[headerEC:])), int(binary.BigEndian.Uint16(header[headerRRC:]))
	body := token[headerBytes:]
	if size != c.key.macBytes || len(body) < size {
		return nil, refuse(CodeModified, "the token of %.128q has no checksum of its key", c.client)
	}
	if turned %= len(body); turned != 0 {
		body = append(append(make([]byte, 0, len(body)), body[turned:]...), body[:turned]...)
	}
	message, sum := body[:len(body)-size], body[len(body)-size:]
	clear(header[headerEC:headerSeq])
	if !hmac.Equal(sum, c.key.checksum(usageInitiatorSeal, message, header[:])) {
		return nil, refuse(CodeModified, "the token of %.128q has a wrong checksum", c.client)
	}
	number := binary.BigEndian.Uint64(header[headerSeq:])
	if c.ordered && number != c.received {
		return nil, refuse(CodeBadOrder, "the token of %.128q has the number %d, and %d is next", c.client, number, c.received)
	}
	c.received++
	return message, nil
}
