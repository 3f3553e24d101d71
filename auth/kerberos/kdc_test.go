package kerberos

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"
)

// The realm of these tests has one service and a user. Every key is of one byte, repeated.
var (
	service = Principal{[]string{"kafka", "broker.example.com"}, "EXAMPLE.COM"}
	alice   = Principal{[]string{"alice"}, "EXAMPLE.COM"}
	noon    = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
)

func keyOf(e *etype, b byte) key { return key{e, bytes.Repeat([]byte{b}, e.keyBytes)} }

// login is what a KDC and a client make a request of. A test changes what it is about.
type login struct {
	service    Principal
	serviceKey key
	keyVersion uint32
	unnumbered bool // the ticket names no version of the key

	flags       uint32
	client      Principal
	session     key
	transited   []byte
	authTime    time.Time
	from, until time.Time // from may be zero

	options    uint32
	claimed    Principal // by the authenticator
	at         time.Time
	checksum   []byte
	sumKind    int32
	subkey     *key
	sequence   uint32
	gssFlags   uint32
	authorizer key // what the authenticator is sealed with
}

// newLogin is a login that is accepted.
func newLogin(e *etype) *login {
	return &login{
		service: service, serviceKey: keyOf(e, 's'), keyVersion: 3,
		client: alice, session: keyOf(e, 'k'), authTime: noon.Add(-time.Hour), until: noon.Add(time.Hour),
		claimed: alice, at: noon.Add(123456 * time.Microsecond), sumKind: checksumGSS, sequence: 1000, gssFlags: flagSequence,
		authorizer: keyOf(e, 'k'),
	}
}

func number(n byte, v uint32) []byte { return element(field(n), integerElement(v)) }
func octetField(n byte, v []byte) []byte {
	return element(field(n), element(tagOctetString, v))
}
func textField(n byte, v string) []byte {
	return element(field(n), element(tagString, []byte(v)))
}
func timeField(n byte, v time.Time) []byte {
	return element(field(n), element(tagTime, []byte(v.UTC().Format(timeForm))))
}
func bitField(n byte, v uint32) []byte {
	return element(field(n), element(tagBitString, binary.BigEndian.AppendUint32([]byte{0}, v)))
}

func nameField(n byte, components []string) []byte {
	var all []byte
	for _, c := range components {
		all = appendElement(all, tagString, []byte(c))
	}
	return element(field(n), element(tagSequence, number(0, 1), element(field(1), element(tagSequence, all))))
}

func keyField(n byte, k key) []byte {
	return element(field(n), element(tagSequence, number(0, uint32(k.id)), octetField(1, k.value)))
}

func sealedField(n byte, e *etype, version []byte, cipher []byte) []byte {
	return element(field(n), element(tagSequence, number(0, uint32(e.id)), version, octetField(2, cipher)))
}

func (l *login) ticketPart() []byte {
	var from []byte
	if !l.from.IsZero() {
		from = timeField(6, l.from)
	}
	return element(message(messageTicketPart), element(tagSequence,
		bitField(0, l.flags), keyField(1, l.session), textField(2, l.client.Realm), nameField(3, l.client.Components),
		element(field(4), element(tagSequence, number(0, 1), octetField(1, l.transited))),
		timeField(5, l.authTime), from, timeField(7, l.until), timeField(8, l.until)))
}

func (l *login) authenticator() []byte {
	sum := l.checksum
	if sum == nil {
		sum = binary.LittleEndian.AppendUint32(nil, bindingBytes)
		sum = binary.LittleEndian.AppendUint32(append(sum, make([]byte, bindingBytes)...), l.gssFlags)
	}
	var subkey []byte
	if l.subkey != nil {
		subkey = keyField(6, *l.subkey)
	}
	return element(message(messageAuthenticator), element(tagSequence,
		number(0, version), textField(1, l.claimed.Realm), nameField(2, l.claimed.Components),
		element(field(3), element(tagSequence, number(0, uint32(l.sumKind)), octetField(1, sum))),
		number(4, uint32(l.at.Nanosecond()/1000)), timeField(5, l.at), subkey, number(7, l.sequence)))
}

// request is the AP-REQ.
func (l *login) request() []byte {
	confounder := bytes.Repeat([]byte{'c'}, 16)
	var keyVersion []byte
	if !l.unnumbered {
		keyVersion = number(1, l.keyVersion)
	}
	ticket := element(message(messageTicket), element(tagSequence,
		number(0, version), textField(1, l.service.Realm), nameField(2, l.service.Components),
		sealedField(3, l.serviceKey.etype, keyVersion, l.serviceKey.encrypt(usageTicket, confounder, l.ticketPart()))))
	return element(message(messageRequest), element(tagSequence,
		number(0, version), number(1, messageRequest), bitField(2, l.options), element(field(3), ticket),
		sealedField(4, l.authorizer.etype, nil, l.authorizer.encrypt(usageAuthenticator, confounder, l.authenticator()))))
}

// framed is a first token around a request.
func framed(request []byte) []byte {
	return element(0x60, element(tagOID, krb5), tokenRequest, request)
}

func (l *login) token() []byte { return framed(l.request()) }

// writeKeytab is a file with keys.
func writeKeytab(entries ...keytabEntry) []byte {
	counted := func(to []byte, text string) []byte {
		return append(binary.BigEndian.AppendUint16(to, uint16(len(text))), text...)
	}
	file := []byte(keytabMagic)
	for _, e := range entries {
		r := counted(binary.BigEndian.AppendUint16(nil, uint16(len(e.principal.Components))), e.principal.Realm)
		for _, c := range e.principal.Components {
			r = counted(r, c)
		}
		r = append(append(r, 0, 0, 0, 1), 0, 0, 0, 0)
		r = binary.BigEndian.AppendUint16(append(r, byte(e.version)), uint16(e.etype))
		r = binary.BigEndian.AppendUint32(counted(r, string(e.value)), e.version)
		file = append(binary.BigEndian.AppendUint32(file, uint32(len(r))), r...)
	}
	return file
}

// entry is a key of the service.
func entry(k key, version uint32) keytabEntry { return keytabEntry{service, version, k.id, k.value} }

// newAcceptor is the service, at noon, with one key of each encryption type.
func newAcceptor(tb testing.TB, entries ...keytabEntry) *Acceptor {
	tb.Helper()
	if len(entries) == 0 {
		for _, e := range etypes {
			entries = append(entries, entry(keyOf(e, 's'), 3))
		}
	}
	keytab, err := ParseKeytab(writeKeytab(entries...))
	if err != nil {
		tb.Fatal(err)
	}
	keys, err := keytab.Of(service)
	if err != nil {
		tb.Fatal(err)
	}
	return NewAcceptor(Options{
		Keys: func() Keys { return keys }, Now: func() time.Time { return noon },
		Random:  func(b []byte) { copy(b, bytes.Repeat([]byte{'r'}, len(b))) },
		Replays: NewReplays(),
	})
}

// clientWrap is a message of the client's.
func clientWrap(k key, flags byte, sequence uint64, text []byte) []byte {
	header := [headerBytes]byte{5, 4, flags, 0xff}
	binary.BigEndian.PutUint64(header[headerSeq:], sequence)
	sum := k.checksum(usageInitiatorSeal, text, header[:])
	binary.BigEndian.PutUint16(header[headerEC:], uint16(len(sum)))
	return append(append(header[:], text...), sum...)
}

// clientUnwrap is the message of an acceptor's token.
func clientUnwrap(tb testing.TB, k key, flags byte, sequence uint64, token []byte) []byte {
	tb.Helper()
	header := [headerBytes]byte(token)
	if header[2] != flags || binary.BigEndian.Uint64(header[headerSeq:]) != sequence {
		tb.Fatalf("the header is %x", header)
	}
	clear(header[headerEC:headerSeq])
	text, sum := token[headerBytes:len(token)-k.macBytes], token[len(token)-k.macBytes:]
	if !bytes.Equal(sum, k.checksum(usageAcceptorSeal, text, header[:])) {
		tb.Fatal("the checksum is wrong")
	}
	return text
}
