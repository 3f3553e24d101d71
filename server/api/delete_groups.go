package api

// DeleteGroups (key 42), versions 0 to 3.
//
// Deletes empty groups and everything they have committed. A group that is named
// twice is answered once.
//
//	v2  flexible
//	v3  error messages; Kafka 4.4 sends none for these errors

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator/group"
)

var deleteGroups = later(kmsg.DeleteGroups, 0, 3, (*API).deleteGroups)

func (a *API) deleteGroups(_ *Request, q *kmsg.DeleteGroupsRequest, reply func(*kmsg.DeleteGroupsResponse)) {
	a.Groups.DeleteGroups(once(q.Groups), func(results []group.GroupResult) {
		p := kmsg.NewPtrDeleteGroupsResponse()
		p.Groups = make([]kmsg.DeleteGroupsResponseGroup, len(results))
		for i, result := range results {
			p.Groups[i].Default()
			p.Groups[i].Group = result.GroupID
			p.Groups[i].ErrorCode = codeOf(result.Err)
		}
		reply(p)
	})
}
