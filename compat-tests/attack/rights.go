package attack

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// The users of the broker: one with the rights that they need, one who may write to the
// topics of bombs and no more, and one who may do everything.
const (
	DecentUser, DecentPassword     = "alice", "correct-horse-battery"
	IntruderUser, IntruderPassword = "mallory", "staple-of-mallory"
	AdminUser, AdminPassword       = "admin", "tower-of-the-admin"
)

// intruder is a connection of somebody who has logged in, with hardly a right.
func (a *attacker) intruder() (*wire.Conn, error) {
	c, err := wire.Dial(a.plan.Login)
	if err != nil {
		return nil, err
	}
	c.Timeout = patience
	return c, c.LogIn(IntruderUser, IntruderPassword)
}

// scramOf asks for a password with a number of iterations.
func scramOf(user string, iterations int32) *kmsg.AlterUserSCRAMCredentialsRequest {
	u := kmsg.NewAlterUserSCRAMCredentialsRequestUpsertion()
	u.Name, u.Mechanism, u.Iterations, u.Salt, u.SaltedPassword = user, 1, iterations, make([]byte, 32), make([]byte, 32)
	r := kmsg.NewPtrAlterUserSCRAMCredentialsRequest()
	r.Upsertions = append(r.Upsertions, u)
	return r
}

// iterations asks for passwords that would take a processor for minutes at each login: of
// clients that look for the number before they answer, and of this broker if it were to
// compute them. Not even who may do everything gets one.
func iterations(ctx context.Context, a *attacker) (int, error) {
	conn, err := wire.Dial(a.plan.Login)
	if err != nil {
		return 0, err
	}
	defer conn.Close() //nolint:errcheck // only read from
	if err := conn.LogIn(AdminUser, AdminPassword); err != nil {
		return 0, err
	}
	const unacceptable = 93
	numbers := []int32{16_385, 1_000_000, math.MaxInt32, 4095, 0, -1, math.MinInt32}
	for i, n := range numbers {
		answer, err := conn.Call(scramOf("greedy", n))
		if err != nil {
			return i, err
		}
		if code := answer.(*kmsg.AlterUserSCRAMCredentialsResponse).Results[0].ErrorCode; code != unacceptable {
			return i, fmt.Errorf("%d iterations: error %d", n, code)
		}
	}
	return len(numbers), nil
}

// floods ask for changes of what they have no right to, by somebody who has logged in and by
// nobody in particular.
func floods(ctx context.Context, a *attacker) (int, error) {
	const atOnce = 8
	conns := make(chan *wire.Conn, atOnce)
	for i := range atOnce {
		c, err := a.intruder()
		if i%2 == 1 {
			c, err = wire.Dial(a.plan.Plaintext)
		}
		if err != nil {
			return 0, err
		}
		defer c.Close() //nolint:errcheck // only read from
		c.Timeout = patience
		conns <- c
	}
	return inParallel(ctx, a.plan.Floods, atOnce, func(i int) error {
		c := <-conns
		defer func() { conns <- c }()
		r, codesOf := unwanted(i)
		answer, err := c.Call(r)
		if err != nil {
			return fmt.Errorf("%s: %w", kmsg.NameForKey(r.Key()), err)
		}
		codes := codesOf(answer)
		const topicDenied, clusterDenied = 29, 31
		if len(codes) == 0 || slices.ContainsFunc(codes, func(code int16) bool { return code != clusterDenied && code != topicDenied }) {
			return fmt.Errorf("%s: errors %d", kmsg.NameForKey(r.Key()), codes)
		}
		return nil
	})
}

// unwanted is one of the requests of floods, and how to read the answer's codes.
func unwanted(i int) (kmsg.Request, func(kmsg.Response) []int16) {
	name, value := fmt.Sprint("of-the-flood-", i), "1"
	switch i % 5 {
	case 0:
		part := kmsg.NewAlterClientQuotasRequestEntryEntity()
		part.Type, part.Name = "user", &name
		op := kmsg.NewAlterClientQuotasRequestEntryOp()
		op.Key, op.Value = "producer_byte_rate", 1
		entry := kmsg.NewAlterClientQuotasRequestEntry()
		entry.Entity, entry.Ops = append(entry.Entity, part), append(entry.Ops, op)
		r := kmsg.NewPtrAlterClientQuotasRequest()
		r.Entries = append(r.Entries, entry)
		return r, func(p kmsg.Response) (codes []int16) {
			for _, e := range p.(*kmsg.AlterClientQuotasResponse).Entries {
				codes = append(codes, e.ErrorCode)
			}
			return codes
		}
	case 1:
		c := kmsg.NewCreateACLsRequestCreation()
		c.ResourceType, c.ResourceName, c.Principal, c.Host = kmsg.ACLResourceTypeTopic, name, "User:"+IntruderUser, "*"
		c.ResourcePatternType, c.Operation, c.PermissionType = kmsg.ACLResourcePatternTypeLiteral, kmsg.ACLOperationAll, kmsg.ACLPermissionTypeAllow
		r := kmsg.NewPtrCreateACLsRequest()
		r.Version, r.Creations = 2, append(r.Creations, c)
		return r, func(p kmsg.Response) (codes []int16) {
			for _, result := range p.(*kmsg.CreateACLsResponse).Results {
				codes = append(codes, result.ErrorCode)
			}
			return codes
		}
	case 2:
		return scramOf(name, 4096), func(p kmsg.Response) (codes []int16) {
			answer := p.(*kmsg.AlterUserSCRAMCredentialsResponse)
			for _, result := range answer.Results {
				codes = append(codes, result.ErrorCode)
			}
			return codes
		}
	case 3:
		t := kmsg.NewCreateTopicsRequestTopic()
		t.Topic, t.NumPartitions, t.ReplicationFactor = name, 1000, 1
		r := kmsg.NewPtrCreateTopicsRequest()
		r.Version, r.Topics = 5, append(r.Topics, t)
		return r, func(p kmsg.Response) (codes []int16) {
			for _, t := range p.(*kmsg.CreateTopicsResponse).Topics {
				codes = append(codes, t.ErrorCode)
			}
			return codes
		}
	}
	c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	c.Name, c.Value = "log.retention.ms", &value
	resource := kmsg.NewIncrementalAlterConfigsRequestResource()
	resource.ResourceType, resource.Configs = kmsg.ConfigResourceTypeBroker, append(resource.Configs, c)
	r := kmsg.NewPtrIncrementalAlterConfigsRequest()
	r.Resources = append(r.Resources, resource)
	return r, func(p kmsg.Response) (codes []int16) {
		for _, resource := range p.(*kmsg.IncrementalAlterConfigsResponse).Resources {
			codes = append(codes, resource.ErrorCode)
		}
		return codes
	}
}
