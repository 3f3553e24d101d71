package api

// DeleteGroups (key 42), versions 0 to 3.
//
// Deletes empty groups and everything they have committed. A group that is named
// twice is answered once. Those that the client may not delete come last, as in Kafka.
//
//	v2  flexible
//	v3  error messages; Kafka 4.4 sends none for these errors

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator/group"
)

var deleteGroups = later(kmsg.DeleteGroups, 0, 3, (*API).deleteGroups).needs(need{auth.Delete, auth.Group})

func (a *API) deleteGroups(r *Request, q *kmsg.DeleteGroupsRequest, reply func(*kmsg.DeleteGroupsResponse)) {
	allowed, denied := a.groupsFor(r, auth.Delete, once(q.Groups))
	a.Groups.DeleteGroups(allowed, func(results []group.GroupResult) {
		p := kmsg.NewPtrDeleteGroupsResponse()
		p.Groups = make([]kmsg.DeleteGroupsResponseGroup, len(results)+len(denied))
		for i, result := range results {
			p.Groups[i].Default()
			p.Groups[i].Group = result.GroupID
			p.Groups[i].ErrorCode = codeOf(result.Err)
		}
		for i, id := range denied {
			one := &p.Groups[len(results)+i]
			one.Default()
			one.Group, one.ErrorCode = id, errGroupDenied.Code
		}
		reply(p)
	})
}
