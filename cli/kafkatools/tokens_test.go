package kafkatools

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// tokenBook is a broker that knows one token.
type tokenBook struct {
	asked  string
	refuse *kerr.Error
}

func (b *tokenBook) Request(_ context.Context, request kmsg.Request) (kmsg.Response, error) {
	code := int16(0)
	if b.refuse != nil {
		code = b.refuse.Code
	}
	switch q := request.(type) {
	case *kmsg.CreateDelegationTokenRequest:
		owner := "itself"
		if q.OwnerPrincipalName != nil {
			owner = *q.OwnerPrincipalType + ":" + *q.OwnerPrincipalName
		}
		b.asked = fmt.Sprintf("create for %s, %v, %d", owner, q.Renewers, q.MaxLifetimeMillis)
		p := q.ResponseKind().(*kmsg.CreateDelegationTokenResponse)
		p.ErrorCode, p.TokenID, p.HMAC, p.PrincipalType, p.PrincipalName = code, "id", []byte{0xff, 1}, "User", "a"
		p.TokenRequesterPrincipalType, p.TokenRequesterPrincipalName = "User", "b"
		p.IssueTimestamp, p.ExpiryTimestamp, p.MaxTimestamp = tokenMinute, tokenMinute+60_000, tokenMinute+120_000
		return p, nil
	case *kmsg.RenewDelegationTokenRequest:
		b.asked = fmt.Sprintf("renew %x for %d", q.HMAC, q.RenewTimeMillis)
		p := q.ResponseKind().(*kmsg.RenewDelegationTokenResponse)
		p.ErrorCode, p.ExpiryTimestamp = code, tokenMinute
		return p, nil
	case *kmsg.ExpireDelegationTokenRequest:
		b.asked = fmt.Sprintf("expire %x after %d", q.HMAC, q.ExpiryPeriodMillis)
		p := q.ResponseKind().(*kmsg.ExpireDelegationTokenResponse)
		p.ErrorCode, p.ExpiryTimestamp = code, tokenMinute
		return p, nil
	case *kmsg.DescribeDelegationTokenRequest:
		b.asked = fmt.Sprintf("describe %v of everybody: %v", q.Owners, q.Owners == nil)
		p := q.ResponseKind().(*kmsg.DescribeDelegationTokenResponse)
		one := kmsg.NewDescribeDelegationTokenResponseTokenDetail()
		one.TokenID, one.HMAC, one.PrincipalType, one.PrincipalName = "id", []byte{0xff, 1}, "User", "a"
		one.TokenRequesterPrincipalType, one.TokenRequesterPrincipalName = "User", "b"
		one.IssueTimestamp, one.ExpiryTimestamp, one.MaxTimestamp = tokenMinute, tokenMinute+60_000, tokenMinute+120_000
		for _, name := range []string{"c", "d"} {
			one.Renewers = append(one.Renewers, kmsg.DescribeDelegationTokenResponseTokenDetailRenewer{PrincipalType: "User", PrincipalName: name})
		}
		p.ErrorCode, p.TokenDetails = code, append(p.TokenDetails, one)
		return p, nil
	}
	return nil, fmt.Errorf("a request that nobody expects: %T", request)
}

// tokenMinute is a whole minute.
const tokenMinute = 1_700_000_040_000

func TestTokens(t *testing.T) {
	at := func(minutes int64) string {
		return time.UnixMilli(tokenMinute + minutes*60_000).Format("2006-01-02T15:04")
	}
	const head = "\nTOKENID         HMAC                           OWNER           REQUESTER       RENEWERS                  ISSUEDATE       EXPIRYDATE      MAXDATE        \n"
	row := func(renewers string) string {
		return head + fmt.Sprintf("\nid              /wE=                           User:a          User:b          %-25s %s %s %s\n", renewers, at(0), at(1), at(2))
	}
	for _, c := range []struct{ args, asked, want string }{
		{"--create --max-life-time-period -1", "create for itself, [], -1",
			"Calling create token operation with renewers :[] , max-life-time-period :-1\nCreated delegation token with tokenId : id\n" + row("[]")},
		{"--create --max-life-time-period 5 --renewer-principal User:c --renewer-principal User:d --owner-principal User:a", "create for User:a, [{User c {{}}} {User d {{}}}], 5",
			"Calling create token operation with renewers :[User:c, User:d] , max-life-time-period :5\nCreated delegation token with tokenId : id\n" + row("[User:c, User:d]")},
		{"--renew --renew-time-period -1 --hmac /wE=", "renew ff01 for -1",
			"Calling renew token operation with hmac :/wE= , renew-time-period :-1\nCompleted renew operation. New expiry date : " + at(0)},
		{"--expire --expiry-time-period 7 --hmac /wE", "expire ff01 after 7",
			"Calling expire token operation with hmac :/wE , expire-time-period :7\nCompleted expire operation. New expiry date : " + at(0)},
		{"--describe", "describe [] of everybody: true", "Calling describe token operation for current user.\nTotal number of tokens : 1" + row("[User:c, User:d]")},
		{"--describe --owner-principal User:a", "describe [{User a {{}}}] of everybody: false",
			"Calling describe token operation for owners: [User:a]\nTotal number of tokens : 1" + row("[User:c, User:d]")},
	} {
		b := new(tokenBook)
		out, err := b.tell(t, c.args)
		if diff := cmp.Diff(c.want, out); diff != "" || err != nil || b.asked != strings.ReplaceAll(c.asked, "{{}}", fmt.Sprint(kmsg.Tags{})) {
			t.Errorf("%s: %v, asks %q (- want, + got):\n%s", c.args, err, b.asked, diff)
		}
	}
	for args, want := range map[string]string{
		"--describe":                      "org.apache.kafka.common.errors.UnsupportedByAuthenticationException: Delegation Token requests are not allowed on PLAINTEXT/1-way SSL channels and on delegation token authenticated channels.",
		"--create --max-life-time-period": "Option max-life-time-period requires an argument",
		"--create --max-life-time-period -1 --renewer-principal a":        "expected a string in format principalType:principalName but got a",
		"--expire --expiry-time-period 1 --hmac=*":                        "The value of --hmac is not base64",
		"--expire --expiry-time-period 1 --expiry-time-period 2 --hmac=A": "Found multiple arguments for option expiry-time-period, but you asked for only one",
	} {
		if _, err := (&tokenBook{refuse: kerr.DelegationTokenRequestNotAllowed}).tell(t, args); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}

// tell has kafka-delegation-tokens talk to the broker.
func (b *tokenBook) tell(t *testing.T, args string) (out string, err error) {
	t.Helper()
	got, err := tokensParser().parse(strings.Fields(args))
	if err != nil {
		t.Fatal(err)
	}
	var written bytes.Buffer
	err = (&tokenTool{&tool{out: &written, errOut: &written, ctx: t.Context()}, got, b}).run()
	return written.String(), err
}

// What the options alone forbid, before a broker is asked.
func TestTokenOptions(t *testing.T) {
	const given = "--bootstrap-server a:1 --command-config f "
	for _, c := range []struct{ args, want string }{
		{"", "This tool helps to create, renew, expire, or describe delegation tokens."},
		{"--create --help", "This tool helps to create, renew, expire, or describe delegation tokens."},
		{given, "Command must include exactly one action: --create, --renew, --expire or --describe"},
		{given + "--create --describe", "Command must include exactly one action: --create, --renew, --expire or --describe"},
		{"--describe", `Missing required argument "[bootstrap-server]"`},
		{"--describe --bootstrap-server a:1", `Missing required argument "[command-config]"`},
		{given + "--create", `Missing required argument "[max-life-time-period]"`},
		{given + "--renew --renew-time-period 1", `Missing required argument "[hmac]"`},
		{given + "--expire --hmac A", `Missing required argument "[expiry-time-period]"`},
		{given + "--create --max-life-time-period 1 --hmac A", `Option "[create]" can't be used with option "[hmac]"`},
		{given + "--renew --hmac A --renew-time-period 1 --owner-principal User:a", `Option "[renew]" can't be used with option "[owner-principal]"`},
		{given + "--expire --hmac A --expiry-time-period 1 --renew-time-period 1", `Option "[expire]" can't be used with option "[renew-time-period]"`},
		{given + "--describe --hmac A", `Option "[describe]" can't be used with option "[hmac]"`},
		{given + "--describe --nonsense", "nonsense is not a recognized option"},
		{"--describe --bootstrap-server a:1 --command-config /none/there", "/none/there"},
	} {
		var out, errOut bytes.Buffer
		status, _ := Run("kafka-delegation-tokens.sh", strings.Fields(c.args), strings.NewReader(""), &out, &errOut)
		said, _, _ := strings.Cut(errOut.String(), "\n")
		if status != 1 || said != c.want || out.Len() > 0 {
			t.Errorf("%s: status %d, %q, want %q\n%s", c.args, status, said, c.want, out.String())
		}
	}
}
