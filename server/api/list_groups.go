package api

// ListGroups (key 16), versions 0 to 5.
//
// Lists the groups that the client may describe; all of them to who may describe the
// cluster. Filters compare without regard to case; an unknown value
// matches nothing.
//
//	v4  a filter for states; the state of each group (KIP-518)
//	v5  a filter for types; the type of each group (KIP-848)

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator/group"
)

var listGroups = later(kmsg.ListGroups, 0, 5, (*API).listGroups).needs(need{auth.Describe, auth.Cluster}, need{auth.Describe, auth.Group})

func (a *API) listGroups(r *Request, q *kmsg.ListGroupsRequest, reply func(*kmsg.ListGroupsResponse)) {
	p := kmsg.NewPtrListGroupsResponse()
	p.Groups = []kmsg.ListGroupsResponseGroup{}
	if a.Metadata.Image().Topic(OffsetsTopic) == nil {
		reply(p) // no group has ever been
		return
	}
	all, asker := a.maySee(r, auth.Describe, auth.Cluster, auth.ClusterName), a.detached(r)
	a.Groups.List(group.ListInput{States: q.StatesFilter, Types: q.TypesFilter}, func(out group.ListOutput) {
		p.ErrorCode = codeOf(out.Err)
		for _, g := range out.Groups {
			if !all && !a.maySee(asker, auth.Describe, auth.Group, g.GroupID) {
				continue
			}
			one := kmsg.NewListGroupsResponseGroup()
			one.Group, one.ProtocolType = g.GroupID, g.ProtocolType
			one.GroupState, one.GroupType = string(g.State), string(g.Type)
			p.Groups = append(p.Groups, one)
		}
		reply(p)
	})
}
