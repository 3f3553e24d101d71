package api

// What happens to requests that a fault is set for (internal/fault). Produce, Fetch and
// those of share sessions refuse single partitions themselves; for all other APIs what is
// refused is taken out of the request before its handler sees it, and put into the answer.

import (
	"fmt"
	"reflect"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/internal/fault"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
	"github.com/barnabas-mq/barnabas/server"
)

const (
	keyProduce          = int16(kmsg.Produce)
	keyFetch            = int16(kmsg.Fetch)
	keyShareFetch       = int16(kmsg.ShareFetch)
	keyShareAcknowledge = int16(kmsg.ShareAcknowledge)
)

// serveFaulty is Serve while faults are set.
func (a *API) serveFaulty(e *entry, r *Request) error {
	h := &r.Header
	if !a.Faults.Concerns(h.Key, h.ClientID) {
		return e.serve(a, r)
	}
	q, err := protocol.DecodeRequest(h.Key, h.Version, r.Body, r.decodedMax)
	if err != nil {
		return e.serve(a, r) // which says what is wrong with it
	}
	places := placesOf(q, a.Metadata.Image())
	switch q := q.(type) {
	case *kmsg.FetchRequest:
		places = a.sessionPlaces(q, places)
	case *kmsg.ShareFetchRequest:
		places = a.shareSessionPlaces(q, places)
	}
	f := a.Faults.Decide(&fault.Request{Key: h.Key, ClientID: h.ClientID, Places: places})
	if f == nil {
		return e.serve(a, r)
	}
	rule := f.Rule()
	if rule.Delay > 0 {
		if err := a.pause(r, rule.Delay); err != nil {
			return err
		}
	}
	switch {
	case rule.Drop == fault.DropBefore:
		return fmt.Errorf("fault %d: %w", f.ID(), server.ErrHangUp)
	case rule.Drop == fault.DropAfter:
		if err := r.Call.HangUp(); err != nil {
			return err
		}
	case rule.Code != 0:
		return a.serveRefused(e, r, q, &rule)
	}
	return e.serve(a, r)
}

// serveRefused answers with the rule's error code, for all of the request or for
// what the rule names of it.
func (a *API) serveRefused(e *entry, r *Request, q kmsg.Request, rule *fault.Rule) error {
	f := &refusal{rule: rule, image: a.Metadata.Image(), failure: protocol.ErrorForCode(rule.Code)}
	switch {
	case e.key == keyProduce || e.key == keyFetch:
	case rule.Topic == "":
		r.Answer(refusedAnswer(q, f.failure, false))
		return nil
	case e.key == keyShareFetch || e.key == keyShareAcknowledge:
	default:
		if f.takeFrom(q); len(placesOf(q, f.image)) == 0 {
			r.Answer(f.answer)
			return nil
		}
	}
	r.refusal = f
	defer func() { r.refusal = nil }()
	return e.serve(a, r)
}

// pause lets time pass before a request is looked at. Those behind it on the
// connection wait as well, as they would for a slow broker.
func (a *API) pause(r *Request, d time.Duration) error {
	if err := r.flush(); err != nil {
		return err
	}
	r.charge.rest()
	defer r.charge.work()
	over := make(chan struct{})
	timer := a.Clock.AfterFunc(d, func() { close(over) })
	defer timer.Stop()
	select {
	case <-over:
	case <-r.Call.Conn.Done():
	}
	return nil
}

// refusal is what a request is refused for, in whole or in part.
type refusal struct {
	rule    *fault.Rule
	image   *metadata.Image
	failure *protocol.Error
	// answer is the part that is refused, as an answer; nil before takeFrom.
	answer kmsg.Response
}

// of is the error for a partition, nil for one that is to be served.
func (f *refusal) of(topic string, partition int32) *protocol.Error {
	if f == nil || !f.rule.Covers(topic, partition) {
		return nil
	}
	return f.failure
}

// ofSession is the error of a fetch as a whole: there it is always one of sessions.
func (f *refusal) ofSession() *protocol.Error {
	if f == nil || f.rule.Topic != "" {
		return nil
	}
	switch f.failure.Code {
	case protocol.ErrFetchSessionIDNotFound.Code, protocol.ErrInvalidFetchSessionEpoch.Code, protocol.ErrFetchSessionTopicIDError.Code:
		return f.failure
	}
	return nil
}

// takeFrom takes what is refused out of the request.
func (f *refusal) takeFrom(q kmsg.Request) {
	taken := kmsg.RequestForKey(q.Key())
	taken.SetVersion(q.GetVersion())
	from, to := reflect.ValueOf(q).Elem(), reflect.ValueOf(taken).Elem()
	to.Set(from)
	f.split(from, to)
	f.answer = refusedAnswer(taken, f.failure, true)
}

// split leaves in rest what is served and in taken, a copy of it, what is refused.
func (f *refusal) split(rest, taken reflect.Value) {
	for i := range rest.NumField() {
		list := rest.Field(i)
		if !isList(list) || list.IsNil() {
			continue
		}
		served, refused := reflect.MakeSlice(list.Type(), 0, list.Len()), reflect.MakeSlice(list.Type(), 0, list.Len())
		name := rest.Type().Field(i).Name
		for j := range list.Len() {
			whole := list.Index(j)
			mine := reflect.New(whole.Type()).Elem()
			mine.Set(whole)
			switch topic, isTopic := topicNamed(whole, name, f.image); {
			case !isTopic && whole.Kind() != reflect.Struct:
				served = reflect.Append(served, whole)
			case !isTopic:
				f.split(whole, mine)
				served = reflect.Append(served, whole)
				if namesTopics(mine, f.image) {
					refused = reflect.Append(refused, mine)
				}
			default:
				n := f.splitTopic(topic, whole, mine)
				if n.served {
					served = reflect.Append(served, whole)
				}
				if n.refused {
					refused = reflect.Append(refused, mine)
				}
			}
		}
		list.Set(served)
		taken.Field(i).Set(refused)
	}
}

// splitTopic divides one topic's entry and tells on which sides it is to stay.
func (f *refusal) splitTopic(topic string, rest, taken reflect.Value) (stays struct{ served, refused bool }) {
	partitions := partitionsOf(rest)
	if topic != f.rule.Topic || !partitions.IsValid() || partitions.Len() == 0 {
		stays.refused = f.rule.Covers(topic, fault.AnyPartition)
		stays.served = !stays.refused
		return stays
	}
	served, refused := reflect.MakeSlice(partitions.Type(), 0, 0), reflect.MakeSlice(partitions.Type(), 0, 0)
	for i := range partitions.Len() {
		one := partitions.Index(i)
		if f.rule.Covers(topic, partitionNumber(one)) {
			refused = reflect.Append(refused, one)
		} else {
			served = reflect.Append(served, one)
		}
	}
	partitionsOf(taken).Set(refused)
	partitions.Set(served)
	stays.served, stays.refused = served.Len() > 0, refused.Len() > 0
	return stays
}

// putInto adds what is refused to the answer for the rest.
func (f *refusal) putInto(p kmsg.Response) {
	if f != nil && f.answer != nil {
		merge(reflect.ValueOf(p).Elem(), reflect.ValueOf(f.answer).Elem())
	}
}

// merge adds the entries of lists: to the entry of the same name where there is one.
func merge(into, more reflect.Value) {
	for i := range more.NumField() {
		added, list := more.Field(i), into.Field(i)
		if !isList(added) || added.Type().Elem().Kind() != reflect.Struct {
			continue
		}
		for j := range added.Len() {
			at := 0
			for at < list.Len() && !sameEntry(list.Index(at), added.Index(j)) {
				at++
			}
			if at < list.Len() {
				merge(list.Index(at), added.Index(j))
				continue
			}
			list.Set(reflect.Append(list, added.Index(j)))
		}
	}
}

// namingFields tell the entries of a list apart, in requests and in answers.
var namingFields = []string{
	"Topic", "TopicID", "Partition", "Group", "GroupID", "TransactionalID", "ProducerID", "ResourceType", "ResourceName",
	"Key", "User", "Feature", "MemberID", "InstanceID", "Entity",
}

// sameEntry tells whether two entries of an answer are about the same thing. A topic
// may have its id, its name or both; what one of the two lacks does not tell.
func sameEntry(a, b reflect.Value) bool {
	for _, name := range namingFields {
		x, y := a.FieldByName(name), b.FieldByName(name)
		if !x.IsValid() || (name == "Topic" || name == "TopicID") && (x.IsZero() || y.IsZero()) {
			continue
		}
		if !reflect.DeepEqual(x.Interface(), y.Interface()) {
			return false
		}
	}
	return true
}

// placesOf lists the topics and partitions that a request names.
func placesOf(q kmsg.Request, image *metadata.Image) []fault.Place {
	return appendPlaces(nil, reflect.ValueOf(q).Elem(), image)
}

func namesTopics(v reflect.Value, image *metadata.Image) bool {
	return len(appendPlaces(nil, v, image)) > 0
}

func appendPlaces(places []fault.Place, v reflect.Value, image *metadata.Image) []fault.Place {
	for i := range v.NumField() {
		list := v.Field(i)
		if !isList(list) {
			continue
		}
		for j := range list.Len() {
			entry := list.Index(j)
			topic, isTopic := topicNamed(entry, v.Type().Field(i).Name, image)
			switch partitions := partitionsOf(entry); {
			case !isTopic && entry.Kind() == reflect.Struct:
				places = appendPlaces(places, entry, image)
			case !isTopic:
			case !partitions.IsValid() || partitions.Len() == 0:
				places = append(places, fault.Place{Topic: topic, Partition: fault.AnyPartition})
			default:
				for k := range partitions.Len() {
					places = append(places, fault.Place{Topic: topic, Partition: partitionNumber(partitions.Index(k))})
				}
			}
		}
	}
	return places
}

func isList(v reflect.Value) bool {
	return v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8
}

// topicNamed is the topic that an entry of a request's list is about. What a fetch
// session is to forget is not asked for.
func topicNamed(entry reflect.Value, list string, image *metadata.Image) (topic string, isTopic bool) {
	if entry.Kind() == reflect.String {
		return entry.String(), list == "TopicNames" || list == "Topics"
	}
	if entry.Kind() != reflect.Struct || list == "ForgottenTopics" || list == "ForgottenTopicsData" {
		return "", false
	}
	if kind := entry.FieldByName("ResourceType"); kind.IsValid() {
		return entry.FieldByName("ResourceName").String(), kind.Int() == int64(kmsg.ConfigResourceTypeTopic)
	}
	name, id := entry.FieldByName("Topic"), entry.FieldByName("TopicID")
	if name.IsValid() {
		if name.Kind() == reflect.Pointer && !name.IsNil() {
			return name.Elem().String(), true
		}
		if name.Kind() == reflect.String && name.Len() > 0 {
			return name.String(), true
		}
	}
	if id.IsValid() {
		if t := image.TopicByID(id.Interface().([16]byte)); t != nil {
			return t.Name, true
		}
	}
	return "", name.IsValid() || id.IsValid()
}

// partitionsOf is the list of partitions in a topic's entry; invalid without one.
func partitionsOf(entry reflect.Value) reflect.Value {
	if entry.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	list := entry.FieldByName("Partitions")
	if !list.IsValid() || !isList(list) {
		return reflect.Value{}
	}
	return list
}

// partitionNumber is that of an element of partitionsOf.
func partitionNumber(v reflect.Value) int32 {
	if v.Kind() == reflect.Struct {
		if n := v.FieldByName("Partition"); n.IsValid() {
			v = n
		} else {
			return fault.AnyPartition
		}
	}
	return int32(v.Int())
}

// sessionPlaces adds what a fetch session is about and the request need not name.
func (a *API) sessionPlaces(q *kmsg.FetchRequest, places []fault.Place) []fault.Place {
	s := a.sessions.find(q.SessionID)
	if s == nil {
		return places
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := s.mu.first; p != nil; p = p.next {
		name := p.key.name
		if name == "" {
			name = p.topic
		}
		places = append(places, fault.Place{Topic: name, Partition: p.key.index})
	}
	return places
}

// shareSessionPlaces adds what a share session is about, as sessionPlaces. A request that
// opens one names all that is in it.
func (a *API) shareSessionPlaces(q *kmsg.ShareFetchRequest, places []fault.Place) []fault.Place {
	if q.GroupID == nil || q.MemberID == nil || q.ShareSessionEpoch == shareEpochInitial {
		return places
	}
	image := a.Metadata.Image()
	for _, k := range a.shareSessions.keysOf(shareMember{*q.GroupID, *q.MemberID}) {
		if t := image.TopicByID(k.topicID); t != nil {
			places = append(places, fault.Place{Topic: t.Name, Partition: k.index})
		}
	}
	return places
}
