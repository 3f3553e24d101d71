package api

import (
	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/protocol"
	"github.com/barnabas-mq/barnabas/server"
)

// Audit writes down what is denied, at most barnabas.access.denied.lines.max times a
// second, of which no principal has them all.
type Audit struct{ Lines server.Lines }

// denied tells about something that a request has named (StandardAuthorizerData).
func (u *Audit) denied(r *Request, action *auth.Action, verdict auth.Verdict) {
	if u == nil {
		return
	}
	who := action.Who.String()
	if !u.Lines.Take(who) {
		return
	}
	u.Lines.Write(
		"principal", who, "operation", action.Operation.String(), "host", action.Host,
		"resource", action.Type.String()+":"+auth.Literal.String()+":"+cut(action.Name),
		"request", protocol.APIName(r.Header.Key), "rule", verdict.String())
}

// Close has nothing written any more from then on.
func (u *Audit) Close() {
	if u != nil {
		u.Lines.Close()
	}
}
