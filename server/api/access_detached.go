package api

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
