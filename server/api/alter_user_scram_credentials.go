package api

// AlterUserScramCredentials (key 51), version 0.
//
// Sets and removes credentials of users. The client salts and hashes the password;
// the broker derives from that what it keeps (RFC 5802), as KRaft's records. Each
// user is judged by itself and can be named once.
// Salts and salted passwords of more than 1024 bytes are UNACCEPTABLE_CREDENTIAL;
// Kafka has no such limit.

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
)

var alterUserScramCredentials = now(kmsg.AlterUserSCRAMCredentials, 0, 0, (*API).alterUserScramCredentials).onCluster(auth.Alter)

func (a *API) alterUserScramCredentials(r *Request, q *kmsg.AlterUserSCRAMCredentialsRequest) *kmsg.AlterUserSCRAMCredentialsResponse {
	p := q.ResponseKind().(*kmsg.AlterUserSCRAMCredentialsResponse)
	var deletions []metadata.ScramDeletion
	for _, d := range q.Deletions {
		deletions = append(deletions, metadata.ScramDeletion{User: d.Name, Mechanism: metadata.ScramMechanism(d.Mechanism)})
	}
	var upsertions []metadata.ScramUpsertion
	for _, u := range q.Upsertions {
		upsertions = append(upsertions, metadata.ScramUpsertion{
			User: u.Name, Mechanism: metadata.ScramMechanism(u.Mechanism), Iterations: u.Iterations,
			Salt: u.Salt, SaltedPassword: u.SaltedPassword,
		})
	}
	alteration := metadata.NewScramAlteration(deletions, upsertions)
	var results []metadata.ScramResult
	_, err := a.change(r, 0, false, func(image *metadata.Image) (records []metadata.Record, _ error) {
		records, results = alteration.Records(image)
		return records, nil
	})
	if results == nil { // the change was never tried
		_, results = alteration.Records(a.Metadata.Image())
	}
	for _, result := range results {
		one := kmsg.NewAlterUserSCRAMCredentialsResponseResult()
		one.User = result.User
		if result.Err == nil {
			result.Err = err
		}
		one.ErrorCode, one.ErrorMessage = problemOf(result.Err)
		p.Results = append(p.Results, one)
	}
	return p
}
