package kerberos

import (
	"strings"
	"time"
)

// The messages of RFC 4120, section 5, as far as an acceptor reads and writes them.
const (
	version = 5 // of the protocol, of tickets and of authenticators

	messageTicket        = 1
	messageAuthenticator = 2
	messageTicketPart    = 3
	messageRequest       = 14 // AP-REQ
	messageReply         = 15 // AP-REP
	messageReplyPart     = 27
)

// encrypted is EncryptedData.
type encrypted struct {
	etype int32
	// keyVersion is of the key, where the message says it.
	keyVersion uint32
	versioned  bool
	cipher     []byte
}

// request is an AP-REQ with its ticket.
type request struct {
	options uint32
	// service is whom the ticket is for. It stands outside of what is encrypted, and so says
	// nothing that its bearer could not have changed.
	service       Principal
	ticket        encrypted
	authenticator encrypted
}

// optionSessionKey is of a ticket that another ticket's key has sealed, of user-to-user logins.
const optionSessionKey = 1 << 30

// ticketPart is what a key of the service opens.
type ticketPart struct {
	flags     uint32
	session   sealedKey
	client    Principal
	transited []byte
	from      time.Time // the time of the first login, where there is no other
	until     time.Time
}

// Flags of tickets.
const (
	ticketInvalid          = 1 << 24
	ticketTransitedChecked = 1 << 19
)

// sealedKey is a key before it is known whether it is one.
type sealedKey struct {
	etype int32
	value []byte
}

// authenticator is what the session key opens.
type authenticator struct {
	client   Principal
	checksum struct {
		kind  int32
		value []byte
	}
	at       time.Time // in microseconds
	subkey   *sealedKey
	sequence uint32
}

// parseRequest reads an AP-REQ.
func parseRequest(raw []byte) (r request, err error) {
	all := newInput(raw)
	in := all.within(message(messageRequest)).within(tagSequence)
	all.end()
	in.constant(0, version)
	in.constant(1, messageRequest)
	r.options = in.flags(2)
	t := in.within(field(3)).within(message(messageTicket)).within(tagSequence)
	t.constant(0, version)
	r.service.Realm = string(t.textual(1, tagString))
	r.service.Components = t.name(2)
	r.ticket = t.encrypted(3)
	t.end()
	r.authenticator = in.encrypted(4)
	in.end()
	return r, all.fault.err
}

// encrypted reads a field of EncryptedData.
func (in *input) encrypted(n byte) (e encrypted) {
	s := in.within(field(n)).within(tagSequence)
	e.etype = s.number(0)
	if e.versioned = s.has(field(1)); e.versioned {
		e.keyVersion = s.unsigned(1)
	}
	e.cipher = s.bytes(2)
	s.end()
	return e
}

// componentsMax bounds those of a name; people and services have one or two.
const componentsMax = 16

// name reads a field of PrincipalName.
func (in *input) name(n byte) (components []string) {
	s := in.within(field(n)).within(tagSequence)
	s.number(0)
	parts := s.within(field(1)).within(tagSequence)
	s.end()
	for parts.has(tagString) && len(components) < componentsMax {
		components = append(components, string(parts.element(tagString)))
	}
	if parts.end(); len(components) == 0 || strings.Join(components, "") == "" {
		in.fail("it has a name that is none")
	}
	return components
}

// key reads a field of EncryptionKey.
func (in *input) key(n byte) (k sealedKey) {
	s := in.within(field(n)).within(tagSequence)
	k.etype = s.number(0)
	k.value = s.bytes(1)
	s.end()
	return k
}

// parseTicketPart reads EncTicketPart. Addresses and the authorization data that a KDC adds
// are read over.
func parseTicketPart(raw []byte) (t ticketPart, err error) {
	all := newInput(raw)
	in := all.within(message(messageTicketPart)).within(tagSequence)
	all.end()
	t.flags = in.flags(0)
	t.session = in.key(1)
	t.client.Realm = string(in.textual(2, tagString))
	t.client.Components = in.name(3)
	transited := in.within(field(4)).within(tagSequence)
	transited.number(0)
	t.transited = transited.bytes(1)
	transited.end()
	t.from = in.time(5)
	if in.has(field(6)) {
		t.from = in.time(6)
	}
	t.until = in.time(7)
	for n := byte(8); n <= 10; n++ {
		in.skip(n)
	}
	in.end()
	return t, all.fault.err
}

// parseAuthenticator reads Authenticator.
func parseAuthenticator(raw []byte) (a authenticator, err error) {
	all := newInput(raw)
	in := all.within(message(messageAuthenticator)).within(tagSequence)
	all.end()
	in.constant(0, version)
	a.client.Realm = string(in.textual(1, tagString))
	a.client.Components = in.name(2)
	if in.has(field(3)) {
		sum := in.within(field(3)).within(tagSequence)
		a.checksum.kind = sum.number(0)
		a.checksum.value = sum.bytes(1)
		sum.end()
	}
	micros := in.number(4)
	if micros < 0 || micros >= 1e6 {
		in.fail("it has a time that is none")
	}
	a.at = in.time(5).Add(time.Duration(micros) * time.Microsecond)
	if in.has(field(6)) {
		k := in.key(6)
		a.subkey = &k
	}
	if in.has(field(7)) {
		a.sequence = in.unsigned(7)
	}
	in.skip(8)
	in.end()
	return a, all.fault.err
}

// reply is what EncAPRepPart says.
type reply struct {
	at       time.Time // that of the authenticator
	subkey   key
	sequence uint32
}

// seal makes an AP-REP under the session key.
func (r reply) seal(session key, confounder []byte) []byte {
	subkey := element(tagSequence,
		element(field(0), integerElement(uint32(r.subkey.id))),
		element(field(1), element(tagOctetString, r.subkey.value)))
	part := element(message(messageReplyPart), element(tagSequence,
		element(field(0), element(tagTime, []byte(r.at.UTC().Format(timeForm)))),
		element(field(1), integerElement(uint32(r.at.Nanosecond()/1000))),
		element(field(2), subkey),
		element(field(3), integerElement(r.sequence))))
	return element(message(messageReply), element(tagSequence,
		element(field(0), integerElement(version)),
		element(field(1), integerElement(messageReply)),
		element(field(2), element(tagSequence,
			element(field(0), integerElement(uint32(session.id))),
			element(field(2), element(tagOctetString, session.encrypt(usageReply, confounder, part)))))))
}
