package inprocess

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/broker"
	"github.com/barnabas-mq/barnabas/protocol"
)

const policyViolation = 44

// A fault that is set over HTTP, for one API after the other, is what franz-go is
// answered with; the next request is served again.
func TestEveryAPIFailsOnCommand(t *testing.T) {
	ctx := within(t)
	b := run(t, broker.WithSetting("barnabas.http.listen", "127.0.0.1:0"), broker.WithSetting("barnabas.control", "true"))
	c := client(t, b.Bootstrap())
	if err := c.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	topics, err := kadm.NewClient(c).ListTopics(ctx, "orders")
	if err != nil {
		t.Fatal(err)
	}
	orders := topics["orders"].ID
	one := c.SeedBrokers()[0]
	which := kmsg.NewPtrApiVersionsRequest()
	which.ClientSoftwareName, which.ClientSoftwareVersion = "test", "1"
	answer, err := one.Request(ctx, which)
	if err != nil {
		t.Fatal(err)
	}
	apis := answer.(*kmsg.ApiVersionsResponse).ApiKeys
	if len(apis) < 60 {
		t.Fatalf("only %d APIs are served", len(apis))
	}
	for _, api := range apis {
		name := protocol.APIName(api.ApiKey)
		var set struct{ ID, Fired int }
		control(t, b, "POST", "faults", map[string]any{"apis": []string{name}, "error": "POLICY_VIOLATION", "times": 1}, &set)
		q := filled(api.ApiKey, orders)
		p, err := one.Request(ctx, q)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		control(t, b, "GET", fmt.Sprintf("faults/%d?fired=1", set.ID), nil, &set)
		if set.Fired != 1 || !carries(reflect.ValueOf(p).Elem(), policyViolation) {
			t.Errorf("%s: fired %d times, answered %+v", name, set.Fired, p)
		}
		if p, err = one.Request(ctx, filled(api.ApiKey, orders)); err == nil && carries(reflect.ValueOf(p).Elem(), policyViolation) {
			t.Errorf("%s: the fault is over, and it is answered %+v", name, p)
		}
	}
}

// control asks the control API, as any language would.
func control(t *testing.T, b *broker.Broker, method, path string, body, answer any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	q, err := http.NewRequestWithContext(within(t), method, "http://"+b.HTTPAddress()+"/control/"+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	q.Close = true
	p, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Body.Close()
	if text, err = io.ReadAll(p.Body); err != nil || p.StatusCode >= 300 {
		t.Fatalf("%s %s: %d %s %v", method, path, p.StatusCode, text, err)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		t.Fatal(err)
	}
}

// filled is a request with an entry in each of its lists, so that there is something
// to refuse.
func filled(key int16, orders [16]byte) kmsg.Request {
	q := kmsg.RequestForKey(key)
	if d, ok := q.(interface{ Default() }); ok {
		d.Default()
	}
	fill(reflect.ValueOf(q).Elem(), orders)
	return q
}

func fill(v reflect.Value, orders [16]byte) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; name != "Version" && name != "UnknownTags" {
				fill(v.Field(i), orders)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		entry := reflect.New(v.Type().Elem())
		if d, ok := entry.Interface().(interface{ Default() }); ok {
			d.Default()
		}
		fill(entry.Elem(), orders)
		v.Set(reflect.Append(reflect.MakeSlice(v.Type(), 0, 1), entry.Elem()))
	case reflect.Array:
		v.Set(reflect.ValueOf(orders))
	case reflect.String:
		v.SetString("orders")
	}
}

// carries tells whether an error code stands anywhere in an answer.
func carries(v reflect.Value, code int64) bool {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			field, name := v.Field(i), v.Type().Field(i).Name
			if strings.HasSuffix(name, "ErrorCode") && field.Int() == code || carries(field, code) {
				return true
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if carries(v.Index(i), code) {
				return true
			}
		}
	}
	return false
}
