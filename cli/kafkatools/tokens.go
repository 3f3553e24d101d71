package kafkatools

import (
	"encoding/base64"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func tokensParser() *parser {
	return newParser(
		text("bootstrap-server", "server to connect to", "Required: addresses of brokers."),
		text("command-config", "command-config", "Required: file with settings of the client, which has to show who it is."),
		flag("create", "Make a token."),
		flag("renew", "Let a token live on."),
		flag("expire", "End a token."),
		flag("describe", "Print tokens: of --owner-principal, or all that the client may see."),
		text("owner-principal", "User:name", "Who the token is for, or whose tokens to print.").optional().many(),
		text("renewer-principal", "User:name", "Who else may renew and end the token.").optional().many(),
		long("max-life-time-period", "ms", "How long the token can be renewed; -1 is as long as the broker allows.").optional(),
		long("renew-time-period", "ms", "How long the token lives on; -1 is as long as the broker allows.").optional(),
		long("expiry-time-period", "ms", "When the token ends; -1 is at once.").optional(),
		text("hmac", "base64", "HMAC of the token.").optional(),
	)
}

// tokenTool is one run of kafka-delegation-tokens.
type tokenTool struct {
	*tool
	got    *parsed
	client kmsg.Requestor
}

// tokens is kafka-delegation-tokens (DelegationTokenCommand).
func tokens(t *tool, args []string) error {
	t.about = "This tool helps to create, renew, expire, or describe delegation tokens."
	p := tokensParser()
	got, err := p.parse(args)
	if err != nil {
		return err
	}
	if err := t.checkTokens(p, args, got); err != nil {
		return err
	}
	bootstrap, err := got.value("bootstrap-server")
	if err != nil {
		return err
	}
	client, err := t.adminOf(got, bootstrap)
	if err != nil {
		return err
	}
	defer client.Close()
	return (&tokenTool{t, got, client}).run()
}

func (t *tool) checkTokens(p *parser, args []string, got *parsed) error {
	if err := t.helpOrVersion(p, args, got); err != nil {
		return err
	}
	if got.count("create", "renew", "expire", "describe") != 1 {
		return t.usage(p, "Command must include exactly one action: --create, --renew, --expire or --describe")
	}
	if err := t.required(got, "bootstrap-server", "command-config"); err != nil {
		return err
	}
	for _, action := range []struct {
		name             string
		needs, forbidden []string
	}{
		{"create", []string{"max-life-time-period"}, []string{"hmac", "renew-time-period", "expiry-time-period"}},
		{"renew", []string{"hmac", "renew-time-period"}, []string{"renewer-principal", "max-life-time-period", "expiry-time-period", "owner-principal"}},
		{"expire", []string{"hmac", "expiry-time-period"}, []string{"max-life-time-period", "renew-time-period", "owner-principal"}},
		{"describe", nil, []string{"renew-time-period", "max-life-time-period", "hmac", "expiry-time-period"}},
	} {
		if !got.has(action.name) {
			continue
		}
		if err := t.required(got, action.needs...); err != nil {
			return err
		}
		if err := t.forbids(got, action.name, action.forbidden...); err != nil {
			return err
		}
	}
	return nil
}

func (t *tokenTool) run() error {
	switch {
	case t.got.has("create"):
		return t.create()
	case t.got.has("renew"):
		return t.renew()
	case t.got.has("expire"):
		return t.expire()
	}
	return t.describe()
}

func (t *tokenTool) create() error {
	renewers, err := t.principals("renewer-principal")
	if err != nil {
		return err
	}
	lifetime, err := t.period("max-life-time-period")
	if err != nil {
		return err
	}
	t.say("Calling create token operation with renewers :%s , max-life-time-period :%d", listed(renewers), lifetime)
	owners, err := t.principals("owner-principal")
	if err != nil {
		return err
	}
	request := kmsg.NewCreateDelegationTokenRequest()
	request.MaxLifetimeMillis = lifetime
	for _, r := range renewers {
		request.Renewers = append(request.Renewers, kmsg.CreateDelegationTokenRequestRenewer{PrincipalType: r.kind, PrincipalName: r.name})
	}
	if len(owners) > 0 {
		request.OwnerPrincipalType, request.OwnerPrincipalName = &owners[0].kind, &owners[0].name
	}
	answer, err := request.RequestWith(t.ctx, t.client)
	if err := settledOr(err, "createDelegationToken", func() int16 { return answer.ErrorCode }); err != nil {
		return err
	}
	t.say("Created delegation token with tokenId : %s", answer.TokenID)
	token := shownToken{
		answer.TokenID, answer.HMAC, principal{answer.PrincipalType, answer.PrincipalName},
		principal{answer.TokenRequesterPrincipalType, answer.TokenRequesterPrincipalName}, renewers,
		answer.IssueTimestamp, answer.ExpiryTimestamp, answer.MaxTimestamp,
	}
	t.printTokens([]shownToken{token})
	return nil
}

func (t *tokenTool) renew() error {
	period, sum, err := t.changeOf("renew", "renew-time-period")
	if err != nil {
		return err
	}
	request := kmsg.NewRenewDelegationTokenRequest()
	request.HMAC, request.RenewTimeMillis = sum, period
	answer, err := request.RequestWith(t.ctx, t.client)
	if err := settledOr(err, "renewDelegationToken", func() int16 { return answer.ErrorCode }); err != nil {
		return err
	}
	t.print("Completed renew operation. New expiry date : %s", minute(answer.ExpiryTimestamp))
	return nil
}

func (t *tokenTool) expire() error {
	period, sum, err := t.changeOf("expire", "expiry-time-period")
	if err != nil {
		return err
	}
	request := kmsg.NewExpireDelegationTokenRequest()
	request.HMAC, request.ExpiryPeriodMillis = sum, period
	answer, err := request.RequestWith(t.ctx, t.client)
	if err := settledOr(err, "expireDelegationToken", func() int16 { return answer.ErrorCode }); err != nil {
		return err
	}
	t.print("Completed expire operation. New expiry date : %s", minute(answer.ExpiryTimestamp))
	return nil
}

// changeOf is how long a token shall live, and its HMAC.
func (t *tokenTool) changeOf(action, option string) (period int64, sum []byte, err error) {
	text, err := t.got.value("hmac")
	if err != nil {
		return 0, nil, err
	}
	if period, err = t.period(option); err != nil {
		return 0, nil, err
	}
	name := map[string]string{"renew": "renew-time-period", "expire": "expire-time-period"}[action]
	t.say("Calling %s token operation with hmac :%s , %s :%d", action, text, name, period)
	if sum, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "=")); err != nil {
		return 0, nil, says("The value of --hmac is not base64")
	}
	return period, sum, nil
}

func (t *tokenTool) describe() error {
	owners, err := t.principals("owner-principal")
	if err != nil {
		return err
	}
	request := kmsg.NewDescribeDelegationTokenRequest()
	if len(owners) == 0 {
		t.say("Calling describe token operation for current user.")
	} else {
		t.say("Calling describe token operation for owners: %s", listed(owners))
	}
	for _, o := range owners {
		request.Owners = append(request.Owners, kmsg.DescribeDelegationTokenRequestOwner{PrincipalType: o.kind, PrincipalName: o.name})
	}
	answer, err := request.RequestWith(t.ctx, t.client)
	if err := settledOr(err, "describeDelegationToken", func() int16 { return answer.ErrorCode }); err != nil {
		return err
	}
	t.print("Total number of tokens : %d", len(answer.TokenDetails))
	var all []shownToken
	for _, d := range answer.TokenDetails {
		one := shownToken{
			d.TokenID, d.HMAC, principal{d.PrincipalType, d.PrincipalName},
			principal{d.TokenRequesterPrincipalType, d.TokenRequesterPrincipalName}, nil, d.IssueTimestamp, d.ExpiryTimestamp, d.MaxTimestamp,
		}
		for _, r := range d.Renewers {
			one.renewers = append(one.renewers, principal{r.PrincipalType, r.PrincipalName})
		}
		all = append(all, one)
	}
	t.printTokens(all)
	return nil
}

// settledOr is what went wrong with a call of Java's Admin, in words of its exceptions.
func settledOr(err error, call string, code func() int16) error {
	if err == nil {
		err = refused(code(), nil)
	} else {
		err = unreachable(err, call)
	}
	if err != nil {
		return says("%s", thrown(err))
	}
	return nil
}

// shownToken is a delegation token as it is printed.
type shownToken struct {
	id                      string
	hmac                    []byte
	owner, requester        principal
	renewers                []principal
	issued, expires, oldest int64
}

func (t *tokenTool) printTokens(tokens []shownToken) {
	const row = "\n%-15s %-30s %-15s %-15s %-25s %-15s %-15s %-15s\n"
	t.print(row, "TOKENID", "HMAC", "OWNER", "REQUESTER", "RENEWERS", "ISSUEDATE", "EXPIRYDATE", "MAXDATE")
	for _, one := range tokens {
		t.print(row, one.id, base64.StdEncoding.EncodeToString(one.hmac), one.owner, one.requester, listed(one.renewers),
			minute(one.issued), minute(one.expires), minute(one.oldest))
	}
}

// minute is a time as Java's yyyy-MM-dd'T'HH:mm, where the tool runs.
func minute(millis int64) string { return time.UnixMilli(millis).Format("2006-01-02T15:04") }

// principal is somebody, in Kafka's terms.
type principal struct{ kind, name string }

func (p principal) String() string { return p.kind + ":" + p.name }

func listed(all []principal) string {
	texts := make([]string, len(all))
	for i, p := range all {
		texts[i] = p.String()
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

func (t *tokenTool) principals(option string) (all []principal, err error) {
	for _, text := range t.got.values(option) {
		text = strings.TrimSpace(text)
		kind, name, ok := strings.Cut(text, ":")
		if !ok {
			return nil, says("expected a string in format principalType:principalName but got %s", text)
		}
		all = append(all, principal{kind, name})
	}
	return all, nil
}

// period is an option that must have a value although it says that it need not.
func (t *tokenTool) period(option string) (int64, error) {
	n, ok, err := t.got.number(option)
	if err == nil && !ok {
		err = says("Option %s requires an argument", option)
	}
	return n, err
}
