package kerberos

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/asnAppTag"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// peer logs in with a ticket that it has issued to itself.
type peer struct {
	realm  string
	etype  int32
	keys   *keytab.Keytab // in which the service's keys are found
	mutual bool           // asks the broker to show that it has the key
	subkey bool           // chooses a key of its own
	// from and until are when the ticket is valid.
	from, until time.Time
}

// Name implements sasl.Mechanism.
func (p *peer) Name() string { return "GSSAPI" }

const keyVersion = 7

// Authenticate implements sasl.Mechanism.
func (p *peer) Authenticate(context.Context, string) (sasl.Session, []byte, error) {
	client := types.NewPrincipalName(nametype.KRB_NT_PRINCIPAL, "alice")
	service := types.NewPrincipalName(nametype.KRB_NT_SRV_INST, Service)
	key := p.newKey()
	ticket, err := p.ticket(client, service, key)
	if err != nil {
		return nil, nil, err
	}
	auth, err := types.NewAuthenticator(p.realm, client)
	if err != nil {
		return nil, nil, err
	}
	s := &session{peer: p, session: key, key: key}
	if p.subkey {
		auth.SubKey = p.newKey()
		s.key = auth.SubKey
	}
	s.number = uint64(auth.SeqNumber)
	asked := uint32(gssapi.ContextFlagInteg | gssapi.ContextFlagSequence)
	if p.mutual {
		asked |= gssapi.ContextFlagMutual
	}
	sum := binary.LittleEndian.AppendUint32(append([]byte{16, 0, 0, 0}, make([]byte, 16)...), asked)
	auth.Cksum = types.Checksum{CksumType: 0x8003, Checksum: sum}
	request, err := messages.NewAPReq(ticket, key, auth)
	if err != nil {
		return nil, nil, err
	}
	if p.mutual {
		types.SetFlag(&request.APOptions, flags.APOptionMutualRequired)
	}
	raw, err := request.Marshal()
	if err != nil {
		return nil, nil, err
	}
	oid, err := asn1.Marshal(gssapi.OIDKRB5.OID())
	if err != nil {
		return nil, nil, err
	}
	token, err := asn1.Marshal(asn1.RawValue{Class: asn1.ClassApplication, IsCompound: true, Bytes: append(append(oid, 1, 0), raw...)})
	return s, token, err
}

// newKey is a random one. gokrb5's own of type 20 have 24 bytes, which its ciphers do not take.
func (p *peer) newKey() types.EncryptionKey {
	size := 16
	if p.etype == etypeID.AES256_CTS_HMAC_SHA1_96 || p.etype == etypeID.AES256_CTS_HMAC_SHA384_192 {
		size = 32
	}
	value := make([]byte, size)
	_, _ = rand.Read(value) // never fails
	return types.EncryptionKey{KeyType: p.etype, KeyValue: value}
}

// ticket is messages.NewTicket with a session key from outside.
func (p *peer) ticket(client, service types.PrincipalName, session types.EncryptionKey) (t messages.Ticket, err error) {
	part, err := asn1.Marshal(messages.EncTicketPart{
		Flags: types.NewKrbFlags(), Key: session, CRealm: p.realm, CName: client,
		AuthTime: p.from, StartTime: p.from, EndTime: p.until, RenewTill: p.until,
	})
	if err != nil {
		return t, err
	}
	key, _, err := p.keys.GetEncryptionKey(service, Realm, keyVersion, p.etype)
	if err != nil {
		return t, err
	}
	t = messages.Ticket{TktVNO: 5, Realm: Realm, SName: service}
	t.EncPart, err = crypto.GetEncryptedData(asn1tools.AddASNAppTag(part, asnAppTag.EncTicketPart), key, keyusage.KDC_REP_TICKET, keyVersion)
	return t, err
}

// repeater shows its first request again and again.
type repeater struct {
	*peer
	session sasl.Session
	token   []byte
}

// Authenticate implements sasl.Mechanism.
func (r *repeater) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	if r.token == nil {
		var err error
		if r.session, r.token, err = r.peer.Authenticate(ctx, host); err != nil {
			return nil, nil, err
		}
	}
	return r.session, r.token, nil
}

// session is what follows the first token.
type session struct {
	*peer
	session, key types.EncryptionKey
	number       uint64
	replied      bool
}

// Challenge implements sasl.Session.
func (s *session) Challenge(token []byte) (done bool, answer []byte, err error) {
	if s.mutual && !s.replied {
		s.replied = true
		return false, []byte{}, s.reply(token)
	}
	var offer gssapi.WrapToken
	if err := offer.Unmarshal(token, true); err != nil {
		return false, nil, err
	}
	if valid, err := offer.Verify(s.key, keyusage.GSSAPI_ACCEPTOR_SEAL); !valid {
		return false, nil, fmt.Errorf("the offer's checksum: %w", err)
	}
	if !s.mutual && offer.SndSeqNum != s.number {
		return false, nil, fmt.Errorf("the offer has the number %d, and the client's is %d", offer.SndSeqNum, s.number)
	}
	choice := gssapi.WrapToken{EC: offer.EC, SndSeqNum: s.number, Payload: offer.Payload}
	if s.mutual {
		choice.Flags = gssapi.MICTokenFlagAcceptorSubkey
	}
	if err := choice.SetCheckSum(s.key, keyusage.GSSAPI_INITIATOR_SEAL); err != nil {
		return false, nil, err
	}
	answer, err = choice.Marshal()
	return true, answer, err
}

// reply reads the broker's AP-REP, whose key counts from then on.
func (s *session) reply(token []byte) error {
	var framed asn1.RawValue
	if rest, err := asn1.Unmarshal(token, &framed); err != nil || len(rest) > 0 {
		return fmt.Errorf("the reply is none of GSS-API: %w", err)
	}
	var oid asn1.ObjectIdentifier
	rest, err := asn1.Unmarshal(framed.Bytes, &oid)
	if err != nil || len(rest) < 2 || rest[0] != 2 || rest[1] != 0 {
		return fmt.Errorf("the reply has no AP-REP: %w", err)
	}
	var reply messages.APRep
	if err := reply.Unmarshal(rest[2:]); err != nil {
		return err
	}
	raw, err := crypto.DecryptEncPart(reply.EncPart, s.session, keyusage.AP_REP_ENCPART)
	if err != nil {
		return err
	}
	var part messages.EncAPRepPart
	if err := part.Unmarshal(raw); err != nil {
		return err
	}
	s.key = part.Subkey
	return nil
}

// keysOf is a keytab with a key of each encryption type, made of a password.
func keysOf(t *testing.T, password string) *keytab.Keytab {
	t.Helper()
	keys := keytab.New()
	for _, etype := range append(etypes, etypeID.RC4_HMAC) {
		if err := keys.AddEntry(Service, Realm, password, time.Now(), keyVersion, etype); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

var etypes = []int32{
	etypeID.AES128_CTS_HMAC_SHA1_96, etypeID.AES256_CTS_HMAC_SHA1_96, etypeID.AES128_CTS_HMAC_SHA256_128, etypeID.AES256_CTS_HMAC_SHA384_192,
}

// TestOtherCode: gokrb5's tickets, requests and messages are those of the broker's own code,
// in each encryption type; and who has no good ticket is told what Kafka would tell.
func TestOtherCode(t *testing.T) {
	t.Parallel()
	keys := keysOf(t, "secret")
	raw, err := keys.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "kafka.keytab")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	ports, err := testbed.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("localhost:%d", ports[0])
	broker := barnabas.Run(t, barnabas.Options{Properties: map[string]string{
		"listener.security.protocol.map":                "PLAINTEXT:PLAINTEXT,TICKETS:SASL_PLAINTEXT",
		"listener.name.tickets.gssapi.sasl.jaas.config": Module(file, Service),
		"connection.failed.authentication.delay.ms":     "0",
		"sasl.kerberos.service.name":                    "kafka",
		"listener.name.tickets.sasl.enabled.mechanisms": "GSSAPI",
	}, Beside: []string{"TICKETS://" + address}})
	knock := func(t *testing.T, p sasl.Mechanism) error {
		t.Helper()
		client, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.SASL(p), kgo.RequestRetries(0))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		return client.Ping(t.Context())
	}
	now := time.Now()
	good := func(etype int32) *peer {
		return &peer{realm: Realm, etype: etype, keys: keys, from: now.Add(-time.Hour), until: now.Add(time.Hour)}
	}
	for _, etype := range etypes {
		for n := range 4 {
			p := good(etype)
			p.mutual, p.subkey = n&1 != 0, n&2 != 0
			t.Run(fmt.Sprintf("encryption type %d, mutual %v, key of its own %v", etype, p.mutual, p.subkey), func(t *testing.T) {
				if err := knock(t, p); err != nil {
					t.Error(err)
				}
			})
		}
	}
	for name, change := range map[string]func(*peer){
		"expired":                func(p *peer) { p.until = now.Add(-6 * time.Minute) },
		"sealed for another":     func(p *peer) { p.keys = keysOf(t, "another") },
		"of another realm":       func(p *peer) { p.realm = "OTHER.COM" },
		"of a broken encryption": func(p *peer) { p.etype = etypeID.RC4_HMAC },
	} {
		t.Run("a ticket "+name, func(t *testing.T) {
			p := good(etypeID.AES256_CTS_HMAC_SHA1_96)
			change(p)
			const told = "Authentication failed during authentication due to invalid credentials with SASL mechanism GSSAPI"
			if err := knock(t, p); !errors.Is(err, kerr.SaslAuthenticationFailed) || !strings.Contains(err.Error(), told) {
				t.Error(err)
			}
		})
	}
	// unanswered wants the connection to end for a reason and without a word, and the next one to be served.
	unanswered := func(t *testing.T, p sasl.Mechanism, reason string) {
		t.Helper()
		if err := knock(t, p); err == nil || errors.Is(err, kerr.SaslAuthenticationFailed) {
			t.Errorf("the connection does not just end: %v", err)
		}
		awaitLog(t, broker, `msg="login not answered"`, reason)
		if err := knock(t, good(etypeID.AES256_CTS_HMAC_SHA1_96)); err != nil {
			t.Error(err)
		}
	}
	t.Run("a request that is repeated", func(t *testing.T) {
		r := &repeater{peer: good(etypeID.AES256_CTS_HMAC_SHA1_96)}
		if err := knock(t, r); err != nil {
			t.Fatal(err)
		}
		unanswered(t, r, "was sent before")
	})
	t.Run("a ticket of later", func(t *testing.T) {
		p := good(etypeID.AES256_CTS_HMAC_SHA1_96)
		p.from, p.until = now.Add(time.Hour), now.Add(2*time.Hour)
		unanswered(t, p, "is not valid before")
	})
}

// awaitLog waits until one line of the broker's log has all the words.
func awaitLog(t *testing.T, broker *testbed.Broker, words ...string) {
	t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for until := time.Now().Add(testbed.Patience(10 * time.Second)); ; <-again.C {
		log, err := broker.Log()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(log) {
			if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) }) {
				return
			}
		}
		if time.Now().After(until) {
			t.Fatalf("no line of the log has %q:\n%s", words, broker.LogTail())
		}
	}
}
