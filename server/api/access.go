package api

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
	"github.com/barnabas-mq/barnabas/server"
)

// Access is how a broker with an authorizer decides who may do what.
type Access struct {
	Authorizer *auth.Authorizer
	// Audit hears what was denied to somebody who asked for it by name; nil for nobody.
	Audit *Audit
	// Asked hears of the questions that an API asks, and whether its entry declares them; nil
	// for nobody. It is for tests.
	Asked func(api string, o auth.Operation, t auth.ResourceType, declared bool)
}

// The errors of what is denied, in Kafka's words where a client sees them.
var (
	errClusterDenied = protocol.ErrClusterAuthorizationFailed
	errTopicDenied   = protocol.ErrTopicAuthorizationFailed
	errGroupDenied   = protocol.ErrGroupAuthorizationFailed
	errTxnDenied     = protocol.ErrTransactionalIDAuthorizationFailed
)

// grants is what was decided about a client. It belongs to the connection's requests, which
// come one after the other.
type grants struct {
	host string // as Java writes an address
	// rules are those that the decisions are of: others take them all away.
	rules     metadata.ACLs
	decisions map[string]bool // by operation, type and name; nil before the first
	key       []byte
	// seesTopics is API.seesTopics of who is there now, nil before it was needed.
	seesTopics func(topic string) bool
}

// decisionsMax and decisionBytesMax bound what is remembered of a connection: a client that
// asks about more names than that is decided about anew, and so it is about a name that is
// none of a topic's.
const (
	decisionsMax     = 1000
	decisionBytesMax = 256
)

// may tells whether the client of a request may do something to a resource that it
// names. What it may not is told to the audit log.
func (a *API) may(r *Request, o auth.Operation, t auth.ResourceType, name string) bool {
	return a.Access == nil || decide(a, r, o, t, name, true)
}

// mayBytes is may for a name that still lies in the request; what was decided before does
// not allocate.
func (a *API) mayBytes(r *Request, o auth.Operation, t auth.ResourceType, name []byte) bool {
	return a.Access == nil || decide(a, r, o, t, name, true)
}

// maySee is may for what the client has not named: nobody is told.
func (a *API) maySee(r *Request, o auth.Operation, t auth.ResourceType, name string) bool {
	return a.Access == nil || decide(a, r, o, t, name, false)
}

// mayCluster is may for the cluster.
func (a *API) mayCluster(r *Request, o auth.Operation) bool {
	return a.may(r, o, auth.Cluster, auth.ClusterName)
}

// mayAny tells whether the operation is allowed on some resource of the type; nobody is
// told, as in Kafka (Authorizer.authorizeByResourceType).
func (a *API) mayAny(r *Request, o auth.Operation, t auth.ResourceType) bool {
	if a.Access == nil {
		return true
	}
	a.checkDeclared(r, o, t)
	g := r.Peer.grants
	g.key = append(g.key[:0], byte(o), byte(t)|anyOfType)
	rules := g.under(a.Metadata.Image().ACLs())
	allowed, known := g.decisions[string(g.key)]
	if !known {
		action := auth.Action{Who: r.Peer.who, Host: g.host, Operation: o, Type: t}
		allowed = a.Access.Authorizer.DecideAny(rules, &action).Allowed
		g.remember(allowed)
	}
	return allowed
}

// anyOfType is in the key of a decision about a whole type.
const anyOfType = 0x80

// under forgets what was decided by other rules.
func (g *grants) under(rules metadata.ACLs) metadata.ACLs {
	if rules != g.rules {
		g.rules = rules
		clear(g.decisions)
	}
	return rules
}

func (g *grants) remember(allowed bool) {
	switch {
	case len(g.key) > decisionBytesMax:
		g.key = nil
		return
	case g.decisions == nil:
		g.decisions = make(map[string]bool)
	case len(g.decisions) >= decisionsMax:
		clear(g.decisions)
	}
	g.decisions[string(g.key)] = allowed
}

// nameAt is where the name begins in a key of decisions.
const nameAt = 2

// decide decides, or remembers. named says that the client itself has named the resource.
func decide[N string | []byte](a *API, r *Request, o auth.Operation, t auth.ResourceType, name N, named bool) bool {
	g := r.Peer.grants
	g.key = append(append(g.key[:0], byte(o), byte(t)), name...)
	rules := g.under(a.Metadata.Image().ACLs())
	allowed, known := g.decisions[string(g.key)]
	if known && (allowed || !named) {
		return allowed
	}
	a.checkDeclared(r, o, t)
	action := auth.Action{Who: r.Peer.who, Host: g.host, Operation: o, Type: t, Name: string(g.key[nameAt:])}
	verdict := a.Access.Authorizer.Decide(rules, &action)
	g.remember(verdict.Allowed)
	if named && !verdict.Allowed {
		a.Access.Audit.denied(r, &action, verdict)
	}
	return verdict.Allowed
}

// checkDeclared holds the page of access rules to what is really asked. Authorized
// operations are asked of every resource alike.
func (a *API) checkDeclared(r *Request, o auth.Operation, t auth.ResourceType) {
	if a.Access.Asked != nil {
		e := r.Peer.view.entry(r.Header.Key)
		a.Access.Asked(e.name, o, t, slices.Contains(e.access, need{o, t}))
	}
}

// operations are the bits of the operations that the client may do to a resource, by
// Kafka's numbers (KIP-430): all that apply to it where there is no authorizer.
func (a *API) operations(r *Request, t auth.ResourceType, name string) (bits int32) {
	for _, o := range t.Operations() {
		if a.Access == nil || a.judge(r, o, t, name).Allowed {
			bits |= 1 << o
		}
	}
	return bits
}

// allTopicOperations is operations where nobody is kept from anything.
var allTopicOperations = new(API).operations(nil, auth.Topic, "")

// topicOperations are the operations on a topic for an answer: asked is what the answer has
// without an authorizer.
func (a *API) topicOperations(r *Request, asked int32, topic string) int32 {
	if a.Access == nil || asked == operationsNotAsked {
		return asked
	}
	return a.operations(r, auth.Topic, topic)
}

// clusterOperations are those on the cluster, none for whom it is not described to.
func (a *API) clusterOperations(r *Request) int32 {
	if !a.mayCluster(r, auth.Describe) {
		return 0
	}
	return a.operations(r, auth.Cluster, auth.ClusterName)
}

func (a *API) judge(r *Request, o auth.Operation, t auth.ResourceType, name string) auth.Verdict {
	return a.Access.Authorizer.Decide(a.Metadata.Image().ACLs(), &auth.Action{Who: r.Peer.who, Host: r.Peer.grants.host, Operation: o, Type: t, Name: name})
}

// deniedAnswer is what somebody hears who may not do something to the cluster. Some answers
// of Kafka's differ from those to other errors (their getErrorResponse and handlers).
func deniedAnswer(q kmsg.Request) kmsg.Response {
	p := refusedAnswer(q, errClusterDenied, false)
	switch p := p.(type) {
	case *kmsg.UpdateFeaturesResponse:
		p.Results = nil
	case *kmsg.DescribeClientQuotasResponse:
		p.ErrorMessage = nil
	case *kmsg.DescribeUserSCRAMCredentialsResponse:
		p.ErrorMessage = nil
		for i := range p.Results {
			p.Results[i].User, p.Results[i].ErrorMessage = "", nil
		}
	case *kmsg.ListPartitionReassignmentsResponse:
		for _, t := range q.(*kmsg.ListPartitionReassignmentsRequest).Topics {
			one := kmsg.NewListPartitionReassignmentsResponseTopic()
			one.Topic = t.Topic
			for _, index := range t.Partitions {
				one.Partitions = append(one.Partitions, kmsg.ListPartitionReassignmentsResponseTopicPartition{Partition: index})
			}
			p.Topics = append(p.Topics, one)
		}
	}
	return p
}

// greet finds out who is at the other end of a connection; a login of SASL tells it later.
func (a *API) greet(p *Peer, c *server.Conn) {
	p.who = auth.Anonymous
	if a.Principal != nil {
		p.who, p.stranger = a.Principal(c)
	}
	if a.Access != nil {
		p.grants = &grants{host: auth.HostOf(c.Peer.Addr())}
	}
}

// loggedIn tells who has come in through SASL.
func (p *Peer) loggedIn(who auth.Principal) {
	p.who = who
	if p.grants != nil {
		clear(p.grants.decisions)
		p.grants.seesTopics = nil
	}
}
