package api

import "github.com/barnabas-mq/barnabas/auth"

// detached is a request as far as access is concerned: for questions that come up when a
// coordinator has answered, and so from any goroutine, one at a time. The request itself
// belongs to the connection's next one by then. It is nil without an authorizer, where
// nobody looks at it.
func (a *API) detached(r *Request) *Request {
	if a.Access == nil {
		return nil
	}
	one := &Request{Peer: &Peer{view: r.Peer.view, who: r.Peer.who, grants: &grants{host: r.Peer.grants.host}}}
	one.Header.Key, one.Header.Version = r.Header.Key, r.Header.Version
	return one
}

// seesTopics tells which topics a client may see, from any goroutine; it is nil without an
// authorizer. It remembers no decision, and is made once for a connection and who is there:
// each heartbeat brings it along, and next to none is asked.
func (a *API) seesTopics(r *Request) func(topic string) bool {
	if a.Access == nil {
		return nil
	}
	g, who := r.Peer.grants, r.Peer.who
	if g.seesTopics == nil {
		a.checkDeclared(r, auth.Describe, auth.Topic)
		host := g.host
		g.seesTopics = func(topic string) bool {
			action := auth.Action{Who: who, Host: host, Operation: auth.Describe, Type: auth.Topic, Name: topic}
			return a.Access.Authorizer.Decide(a.Metadata.Image().ACLs(), &action).Allowed
		}
	}
	return g.seesTopics
}
