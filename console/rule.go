package console

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/barnabas-mq/barnabas/internal/fault"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Rule says which requests fail on command, how often, and how. All that it says
// must hold for a request to match; what is left out is no condition.
type Rule struct {
	// APIs are the names of Kafka's protocol, Produce or OffsetCommit, in any case.
	APIs []string
	// Topic that the request names, and the partitions of it.
	Topic      string
	Partitions []int32
	// ClientID is the client's client.id.
	ClientID string

	// After lets so many matching requests pass first. Of the others every nth fails; 0
	// and 1 are each. Times ends the rule when it has fired so often; 0 is never.
	After, Every, Times int

	// Delay is waited before anything else. The connection's next requests wait too.
	Delay time.Duration
	// Error is the name of the error to answer with, NOT_LEADER_OR_FOLLOWER; nothing of
	// what was asked is done then. With Topic it stands for what matches alone, and the
	// rest of the request is served.
	Error string
	// Drop closes the connection in place of an answer: DropBefore or DropAfter what was
	// asked is done.
	Drop string
}

// The values of Rule.Drop.
const (
	DropBefore = "before"
	DropAfter  = "after"
)

// Compile checks the rule and gives it the numbers of the protocol.
func (r Rule) Compile() (fault.Rule, error) {
	out := fault.Rule{
		Topic: r.Topic, Partitions: r.Partitions, ClientID: r.ClientID,
		After: r.After, Every: r.Every, Times: r.Times, Delay: r.Delay,
	}
	for _, name := range r.APIs {
		key, ok := protocol.APIKey(name)
		if !ok {
			return out, fmt.Errorf("%.64q is no API of Kafka's protocol", name)
		}
		out.Keys = append(out.Keys, key)
	}
	if r.Error != "" {
		e := protocol.ErrorForName(strings.ToUpper(r.Error))
		if n, err := strconv.ParseInt(r.Error, 10, 16); err == nil {
			e = protocol.ErrorForCode(int16(n))
		}
		if e == nil || e.Code == 0 {
			return out, fmt.Errorf("%.64q is no error of Kafka's protocol", r.Error)
		}
		out.Code = e.Code
	}
	switch r.Drop {
	case "":
	case DropBefore:
		out.Drop = fault.DropBefore
	case DropAfter:
		out.Drop = fault.DropAfter
	default:
		return out, fmt.Errorf("drop is %q or %q, not %.64q", DropBefore, DropAfter, r.Drop)
	}
	return out, out.Check()
}

// RuleOf is the rule that compiles to r.
func RuleOf(r fault.Rule) Rule {
	out := Rule{
		Topic: r.Topic, Partitions: r.Partitions, ClientID: r.ClientID,
		After: r.After, Every: r.Every, Times: r.Times, Delay: r.Delay,
	}
	for _, key := range r.Keys {
		out.APIs = append(out.APIs, protocol.APIName(key))
	}
	if r.Code != 0 {
		out.Error = protocol.ErrorForCode(r.Code).Name
	}
	switch r.Drop {
	case fault.DropBefore:
		out.Drop = DropBefore
	case fault.DropAfter:
		out.Drop = DropAfter
	}
	return out
}

// jsonRule is a Rule on the control port.
type jsonRule struct {
	APIs        []string `json:"apis,omitempty"`
	Topic       string   `json:"topic,omitempty"`
	Partitions  []int32  `json:"partitions,omitempty"`
	ClientID    string   `json:"client_id,omitempty"`
	After       int      `json:"after,omitempty"`
	Every       int      `json:"every,omitempty"`
	Times       int      `json:"times,omitempty"`
	DelayMillis int64    `json:"delay_ms,omitempty"`
	Error       string   `json:"error,omitempty"`
	Drop        string   `json:"drop,omitempty"`
}

// MarshalJSON is the form of the control port. A part of a millisecond shows as one: no
// delay would be another rule.
func (r Rule) MarshalJSON() ([]byte, error) {
	return json.Marshal(jsonRule{
		APIs: r.APIs, Topic: r.Topic, Partitions: r.Partitions, ClientID: r.ClientID,
		After: r.After, Every: r.Every, Times: r.Times,
		DelayMillis: int64((r.Delay + time.Millisecond - 1) / time.Millisecond), Error: r.Error, Drop: r.Drop,
	})
}

// UnmarshalJSON reads the form of the control port and refuses names that it has not.
func (r *Rule) UnmarshalJSON(text []byte) error {
	var j jsonRule
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&j); err != nil {
		return err
	}
	if most := int64(math.MaxInt64 / time.Millisecond); j.DelayMillis > most || j.DelayMillis < -most {
		return fmt.Errorf("delay_ms %d is out of range", j.DelayMillis)
	}
	*r = Rule{
		APIs: j.APIs, Topic: j.Topic, Partitions: j.Partitions, ClientID: j.ClientID,
		After: j.After, Every: j.Every, Times: j.Times,
		Delay: time.Duration(j.DelayMillis) * time.Millisecond, Error: j.Error, Drop: j.Drop,
	}
	return nil
}
