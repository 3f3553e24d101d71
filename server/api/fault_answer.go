package api

// Answers that say nothing but an error: what every API answers when the request as
// a whole fails (the getErrorResponse of each of Kafka's AbstractRequest). They are
// made from the request by the names that kmsg gives the fields, which follow from
// Kafka's schemas, and for all keys of the table a test looks at what comes out.

import (
	"reflect"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

// refusedAnswer answers every part of a request with the failure. With partsOnly the
// code stands with the smallest parts alone, and not where it would be taken to be
// about all of the request.
func refusedAnswer(q kmsg.Request, failure *protocol.Error, partsOnly bool) kmsg.Response {
	p := q.ResponseKind()
	p.SetVersion(q.GetVersion())
	setDefaults(reflect.ValueOf(p))
	p.SetVersion(q.GetVersion())
	fill := filler{failure: failure, partsOnly: partsOnly}
	fill.answer(reflect.ValueOf(p).Elem(), reflect.ValueOf(q).Elem())
	return p
}

type filler struct {
	failure   *protocol.Error
	partsOnly bool
}

// answer fills a response, or an entry of one, for its request or the entry there.
func (f filler) answer(p, q reflect.Value) {
	parts := 0
	for i := range p.NumField() {
		if list := p.Field(i); isList(list) && list.Type().Elem().Kind() == reflect.Struct {
			parts += f.list(list, p.Type().Field(i).Name, q)
		}
	}
	if code := p.FieldByName("ErrorCode"); code.IsValid() && (parts == 0 || !f.partsOnly) {
		code.SetInt(int64(f.failure.Code))
		if text := p.FieldByName("ErrorMessage"); text.IsValid() && text.Kind() == reflect.Pointer {
			text.Set(reflect.ValueOf(&f.failure.Message))
		}
	}
}

// asked are the lists of a request that a list of the answer goes through, where the
// names differ.
var asked = map[string][]string{
	"Topics":            {"TopicNames"},
	"Coordinators":      {"CoordinatorKeys"},
	"Groups":            {"GroupIDs"},
	"TransactionStates": {"TransactionalIDs"},
	"Results":           {"Creations", "Filters", "Users", "Deletions", "Upsertions", "FeatureUpdates"},
}

// list fills a list of the answer with an entry for each that was asked for.
func (f filler) list(list reflect.Value, name string, q reflect.Value) (entries int) {
	if q.Kind() != reflect.Struct || !carriesErrors(list.Type().Elem()) {
		return 0
	}
	if dirs := q.FieldByName("Dirs"); name == "Topics" && dirs.IsValid() { // AlterReplicaLogDirs
		for i := range dirs.Len() {
			entries += f.list(list, name, dirs.Index(i))
		}
		return entries
	}
	for _, name := range append([]string{name}, asked[name]...) {
		from := q.FieldByName(name)
		if !from.IsValid() || !isList(from) {
			continue
		}
		for i := range from.Len() {
			entry := reflect.New(list.Type().Elem())
			setDefaults(entry)
			nameEntry(entry.Elem(), from.Index(i))
			f.answer(entry.Elem(), from.Index(i))
			list.Set(reflect.Append(list, entry.Elem()))
			entries++
		}
	}
	if name == "Dirs" && entries == 0 { // DescribeLogDirs, which names none
		entry := reflect.New(list.Type().Elem())
		f.answer(entry.Elem(), reflect.Value{})
		list.Set(reflect.Append(list, entry.Elem()))
	}
	return entries
}

// carriesErrors tells whether an entry has a place for a code.
func carriesErrors(entry reflect.Type) bool {
	for i := range entry.NumField() {
		field := entry.Field(i)
		if field.Name == "ErrorCode" {
			return true
		}
		if field.Type.Kind() == reflect.Slice && field.Type.Elem().Kind() == reflect.Struct && carriesErrors(field.Type.Elem()) {
			return true
		}
	}
	return false
}

// nameEntry names an entry of the answer as the request names it: by fields, or by a
// number or text that is all that stands there.
func nameEntry(p, q reflect.Value) {
	for _, name := range namingFields {
		to := p.FieldByName(name)
		if !to.IsValid() {
			continue
		}
		from := q
		if q.Kind() == reflect.Struct {
			from = q.FieldByName(name)
			if name == "User" && !from.IsValid() {
				from = q.FieldByName("Name") // KIP-554 has two words for it
			}
		}
		if from.IsValid() && assign(to, from) && q.Kind() != reflect.Struct {
			return
		}
	}
}

// assign sets a field to a value of its type, of what it points to or of what its
// elements are made of; false leaves it.
func assign(to, from reflect.Value) bool {
	switch {
	case from.Type().AssignableTo(to.Type()):
		to.Set(from)
	case to.Kind() == reflect.Pointer && from.Type() == to.Type().Elem():
		copied := reflect.New(from.Type())
		copied.Elem().Set(from)
		to.Set(copied)
	case to.Kind() == reflect.Slice && from.Kind() == reflect.Slice && to.Type().Elem().Kind() == reflect.Struct:
		for i := range from.Len() {
			entry := reflect.New(to.Type().Elem()).Elem()
			for j := range entry.NumField() {
				if field := from.Index(i).FieldByName(entry.Type().Field(j).Name); field.IsValid() {
					assign(entry.Field(j), field)
				}
			}
			to.Set(reflect.Append(to, entry))
		}
	default:
		return false
	}
	return true
}

// setDefaults gives a message or an entry the values that its schema has where
// nothing is said.
func setDefaults(v reflect.Value) {
	if d, ok := v.Interface().(interface{ Default() }); ok {
		d.Default()
	}
}
