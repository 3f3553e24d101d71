package api

// ListGroups (key 16), versions 0 to 5.
//
// Lists all groups. Filters compare without regard to case; an unknown value
// matches nothing.
//
//	v4  a filter for states; the state of each group (KIP-518)
//	v5  a filter for types; the type of each group (KIP-848)

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator/group"
)

var listGroups = later(kmsg.ListGroups, 0, 5, (*API).listGroups)

func (a *API) listGroups(_ *Request, q *kmsg.ListGroupsRequest, reply func(*kmsg.ListGroupsResponse)) {
	p := kmsg.NewPtrListGroupsResponse()
	p.Groups = []kmsg.ListGroupsResponseGroup{}
	if a.Metadata.Image().Topic(OffsetsTopic) == nil {
		reply(p) // no group has ever been
		return
	}
	a.Groups.List(group.ListInput{States: q.StatesFilter, Types: q.TypesFilter}, func(out group.ListOutput) {
		p.ErrorCode = codeOf(out.Err)
		for _, g := range out.Groups {
			one := kmsg.NewListGroupsResponseGroup()
			one.Group, one.ProtocolType = g.GroupID, g.ProtocolType
			one.GroupState, one.GroupType = string(g.State), string(g.Type)
			p.Groups = append(p.Groups, one)
		}
		reply(p)
	})
}
