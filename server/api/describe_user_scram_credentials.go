package api

// DescribeUserScramCredentials (key 50), version 0.
//
// Tells which mechanisms users have credentials for, and with how many iterations;
// never anything of the credential itself. Null or an empty list asks for all
// users. No listener asks for credentials yet.

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var describeUserScramCredentials = now(kmsg.DescribeUserSCRAMCredentials, 0, 0, (*API).describeUserScramCredentials).onCluster(auth.Describe)

func (a *API) describeUserScramCredentials(_ *Request, q *kmsg.DescribeUserSCRAMCredentialsRequest) *kmsg.DescribeUserSCRAMCredentialsResponse {
	p := q.ResponseKind().(*kmsg.DescribeUserSCRAMCredentialsResponse)
	p.ErrorMessage = noText()
	image := a.Metadata.Image()
	if len(q.Users) == 0 {
		for user, credentials := range image.ScramUsers() {
			p.Results = append(p.Results, scramUser(user, credentials))
		}
		return p
	}
	counts := countNames(q.Users, func(u *kmsg.DescribeUserSCRAMCredentialsRequestUser) string { return u.Name })
	for _, u := range q.Users {
		count := counts[u.Name]
		if count == 0 {
			continue // told already
		}
		counts[u.Name] = 0
		one := scramUser(u.Name, image.ScramUser(u.Name))
		switch {
		case count > 1:
			one.CredentialInfos = nil
			one.ErrorCode, one.ErrorMessage = problemOf(protocol.ErrDuplicateResource.WithMessage("Cannot describe SCRAM credentials for the same user twice in a single request: %s", cut(u.Name)))
		case len(one.CredentialInfos) == 0:
			one.ErrorCode, one.ErrorMessage = problemOf(protocol.ErrResourceNotFound.WithMessage("Attempt to describe a user credential that does not exist: %s", cut(u.Name)))
		}
		p.Results = append(p.Results, one)
	}
	return p
}

func scramUser(name string, credentials []metadata.ScramCredential) kmsg.DescribeUserSCRAMCredentialsResponseResult {
	one := kmsg.NewDescribeUserSCRAMCredentialsResponseResult()
	one.User, one.ErrorMessage = name, noText()
	for _, c := range credentials {
		info := kmsg.NewDescribeUserSCRAMCredentialsResponseResultCredentialInfo()
		info.Mechanism, info.Iterations = int8(c.Mechanism), c.Iterations
		one.CredentialInfos = append(one.CredentialInfos, info)
	}
	return one
}
