package kafkatools

import (
	"crypto/rand"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/metadata"
)

// quotaKeys are the settings of clients and users that are no passwords (QuotaConfig).
var quotaKeys = []string{"producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate"}

// mechanisms by name, with SCRAM's number.
var mechanisms = map[string]int8{"SCRAM-SHA-256": 1, "SCRAM-SHA-512": 2}

// entityTypes are the words of quota requests.
var entityTypes = map[string]string{kindUsers: "user", kindClients: "client-id", kindIPs: "ip"}

func (c *configTool) alterClientOrUser(changes []setting) error {
	var quotas, passwords, unknown []setting
	for _, change := range changes {
		switch {
		case mechanisms[change.name] != 0:
			passwords = append(passwords, change)
		case slices.Contains(quotaKeys, change.name) || c.kinds[0] == kindIPs && change.name == "connection_creation_rate":
			quotas = append(quotas, change)
		default:
			unknown = append(unknown, change)
		}
	}
	onlyQuotas := c.kinds[0] != kindUsers || len(c.kinds) == 2
	if onlyQuotas {
		unknown = append(unknown, passwords...)
	}
	if len(unknown) > 0 {
		what, verb := "quota and SCRAM credential configs", "added"
		if onlyQuotas {
			what = "quota configs"
		}
		if c.kinds[0] == kindIPs {
			what = "connection quota configs"
		}
		if unknown[0].deleted {
			verb = "deleted"
		}
		var names []string
		for _, u := range unknown {
			names = append(names, u.name)
		}
		// As Scala writes a set and a sequence.
		list := strings.Join(names, ",")
		if c.kinds[0] != kindIPs {
			list = map[string]string{"added": "Set", "deleted": "ArrayBuffer"}[verb] + "(" + strings.Join(names, ", ") + ")"
		}
		kind := c.kinds[0]
		if len(c.kinds) == 2 {
			kind = kindClients
		}
		return argumentErrorf("Only %s can be %s for '%s' using --bootstrap-server. Unexpected config names: %s", what, verb, kind, list)
	}
	if len(passwords) > 0 && c.names[0] == "" {
		return argumentErrorf("The use of --entity-default or --user-defaults is not allowed with User SCRAM Credentials using --bootstrap-server.")
	}
	if len(passwords) > 0 && len(quotas) > 0 {
		return argumentErrorf("Cannot alter both quota and SCRAM credential configs simultaneously for 'users' using --bootstrap-server.")
	}
	if len(passwords) > 0 {
		return c.alterPasswords(passwords)
	}
	return c.alterQuotas(quotas)
}

func (c *configTool) alterQuotas(quotas []setting) error {
	have, err := c.quotas(c.kinds, c.names)
	if err != nil {
		return err
	}
	request := kmsg.NewAlterClientQuotasRequest()
	entry := kmsg.NewAlterClientQuotasRequestEntry()
	for i, kind := range c.kinds {
		entity := kmsg.NewAlterClientQuotasRequestEntryEntity()
		entity.Type = entityTypes[kind]
		if c.names[i] != "" {
			entity.Name = &c.names[i]
		}
		entry.Entity = append(entry.Entity, entity)
	}
	var missing []string
	for _, quota := range quotas {
		op := kmsg.NewAlterClientQuotasRequestEntryOp()
		op.Key, op.Remove = quota.name, quota.deleted
		if !quota.deleted {
			if op.Value, err = strconv.ParseFloat(quota.value, 64); err != nil {
				return argumentErrorf("Cannot parse quota configuration value for %s: %s", quota.name, quota.value)
			}
		} else if len(have) == 0 || !slices.ContainsFunc(have[0].Values, func(v kmsg.DescribeClientQuotasResponseEntryValue) bool { return v.Key == quota.name }) {
			missing = append(missing, quota.name)
		}
		entry.Ops = append(entry.Ops, op)
	}
	if len(missing) > 0 {
		return argumentErrorf("Invalid config(s): %s", strings.Join(missing, ","))
	}
	request.Entries = append(request.Entries, entry)
	answer, err := request.RequestWith(c.ctx, c.client)
	if err != nil {
		return unreachable(err, "alterClientQuotas")
	}
	for _, e := range answer.Entries {
		if err := refused(e.ErrorCode, e.ErrorMessage); err != nil {
			return err
		}
	}
	return nil
}

// quotas of entities; a kind without a name is all of its kind.
func (c *configTool) quotas(kinds, names []string) ([]kmsg.DescribeClientQuotasResponseEntry, error) {
	request := kmsg.NewDescribeClientQuotasRequest()
	request.Strict = true
	for i, kind := range kinds {
		component := kmsg.NewDescribeClientQuotasRequestComponent()
		component.EntityType = entityTypes[kind]
		switch {
		case i >= len(names):
			component.MatchType = kmsg.QuotasMatchTypeAny
		case names[i] == "":
			component.MatchType = kmsg.QuotasMatchTypeDefault
		default:
			component.Match = &names[i]
		}
		request.Components = append(request.Components, component)
	}
	answer, err := request.RequestWith(c.ctx, c.client)
	if err != nil {
		return nil, unreachable(err, "describeClientQuotas")
	}
	return answer.Entries, refused(answer.ErrorCode, answer.ErrorMessage)
}

func credentialPattern() *regexp.Regexp {
	return regexp.MustCompile(`^(?:iterations=(-?[0-9]*),)?password=(.*)$`)
}

// iterationsMin and iterationsWithout are Kafka's ScramMechanism and ConfigCommand.
const iterationsMin, iterationsWithout = 4096, 4096

func (c *configTool) alterPasswords(passwords []setting) error {
	request := kmsg.NewAlterUserSCRAMCredentialsRequest()
	for _, p := range passwords {
		if p.deleted {
			deletion := kmsg.NewAlterUserSCRAMCredentialsRequestDeletion()
			deletion.Name, deletion.Mechanism = c.names[0], mechanisms[p.name]
			request.Deletions = append(request.Deletions, deletion)
			continue
		}
		upsertion, err := scramUpsertion(c.names[0], p)
		if err != nil {
			return err
		}
		request.Upsertions = append(request.Upsertions, upsertion)
	}
	answer, err := request.RequestWith(c.ctx, c.client)
	if err != nil {
		return unreachable(err, "alterUserScramCredentials")
	}
	for _, r := range answer.Results {
		if err := refused(r.ErrorCode, r.ErrorMessage); err != nil {
			return err
		}
	}
	return nil
}

// scramUpsertion salts a password as RFC 5802 says; the password itself does not leave the tool.
func scramUpsertion(user string, p setting) (kmsg.AlterUserSCRAMCredentialsRequestUpsertion, error) {
	upsertion := kmsg.NewAlterUserSCRAMCredentialsRequestUpsertion()
	parts := credentialPattern().FindStringSubmatch(p.value)
	if parts == nil {
		return upsertion, argumentErrorf("Invalid credential property %s=%s", strings.ReplaceAll(p.name, "-", "_"), p.value)
	}
	iterations := iterationsWithout
	if parts[1] != "" && parts[1] != "-1" {
		n, err := strconv.Atoi(parts[1])
		if err != nil {
			return upsertion, err
		}
		iterations = n
	}
	if iterations < iterationsMin {
		return upsertion, argumentErrorf("Iterations %d is less than the minimum %d required for %s", iterations, iterationsMin, p.name)
	}
	upsertion.Name, upsertion.Mechanism, upsertion.Iterations = user, mechanisms[p.name], int32(iterations)
	upsertion.Salt = []byte(rand.Text())
	salted, err := saltedPassword(metadata.ScramMechanism(upsertion.Mechanism), parts[2], upsertion.Salt, iterations)
	upsertion.SaltedPassword = salted
	return upsertion, err
}

func (c *configTool) describeClientsAndUsers() error {
	entries, err := c.quotas(c.kinds, c.names)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		c.say("Quota configs for %s are %s", entityText(entry.Entity), quotaText(entry.Values))
	}
	if slices.Contains(c.kinds, kindClients) || slices.Contains(c.kinds, kindIPs) || slices.Contains(c.names, "") {
		return nil
	}
	request := kmsg.NewDescribeUserSCRAMCredentialsRequest()
	if len(c.names) > 0 {
		request.Users = []kmsg.DescribeUserSCRAMCredentialsRequestUser{}
	}
	for _, name := range c.names {
		user := kmsg.NewDescribeUserSCRAMCredentialsRequestUser()
		user.Name = name
		request.Users = append(request.Users, user)
	}
	answer, err := request.RequestWith(c.ctx, c.client)
	if err != nil {
		return unreachable(err, "describeUserScramCredentials")
	}
	for _, r := range answer.Results {
		if r.ErrorCode == kerr.ResourceNotFound.Code {
			continue
		}
		if err := refused(r.ErrorCode, r.ErrorMessage); err != nil {
			c.say("Error retrieving SCRAM credential configs for user-principal '%s': %s", r.User, thrown(err))
			continue
		}
		var words []string
		for _, info := range r.CredentialInfos {
			for name, number := range mechanisms {
				if number == info.Mechanism {
					words = append(words, fmt.Sprintf("%s=iterations=%d", name, info.Iterations))
				}
			}
		}
		c.say("SCRAM credential configs for user-principal '%s' are %s", r.User, strings.Join(words, ", "))
	}
	return nil
}

func entityText(entity []kmsg.DescribeClientQuotasResponseEntryEntity) string {
	words := map[string]string{"user": "user-principal", "client-id": "client-id", "ip": "ip"}
	var parts []string
	for _, kind := range []string{"user", "client-id", "ip"} {
		for _, e := range entity {
			switch {
			case e.Type != kind:
			case e.Name == nil:
				parts = append(parts, "the default "+words[kind])
			default:
				parts = append(parts, words[kind]+" '"+*e.Name+"'")
			}
		}
	}
	return strings.Join(parts, ", ")
}

func quotaText(values []kmsg.DescribeClientQuotasResponseEntryValue) string {
	slices.SortFunc(values, func(a, b kmsg.DescribeClientQuotasResponseEntryValue) int { return strings.Compare(a.Key, b.Key) })
	values = mapOrder(values, len(values), func(v kmsg.DescribeClientQuotasResponseEntryValue) int32 { return hashOf(v.Key) })
	var words []string
	for _, v := range values {
		words = append(words, v.Key+"="+javaDouble(v.Value, 64))
	}
	return strings.Join(words, ", ")
}
