package metadata

import "github.com/barnabas-mq/barnabas/protocol"

// AccessControlEntryRecord is one access rule.
type AccessControlEntryRecord struct {
	ID             protocol.UUID
	ResourceType   int8
	ResourceName   string
	PatternType    int8
	Principal      string
	Host           string
	Operation      int8
	PermissionType int8
}

// Type implements Record.
func (*AccessControlEntryRecord) Type() RecordType { return TypeAccessControlEntry }

func (r *AccessControlEntryRecord) walk(c *protocol.Coder) {
	c.UUID(&r.ID)
	c.Int8(&r.ResourceType)
	c.String(&r.ResourceName)
	c.Int8(&r.PatternType)
	c.String(&r.Principal)
	c.String(&r.Host)
	c.Int8(&r.Operation)
	c.Int8(&r.PermissionType)
	c.Tags()
}

// RemoveAccessControlEntryRecord removes an access rule.
type RemoveAccessControlEntryRecord struct {
	ID protocol.UUID
}

// Type implements Record.
func (*RemoveAccessControlEntryRecord) Type() RecordType { return TypeRemoveAccessControlEntry }

func (r *RemoveAccessControlEntryRecord) walk(c *protocol.Coder) {
	c.UUID(&r.ID)
	c.Tags()
}

// UserScramCredentialRecord is what SCRAM needs to know of a user.
type UserScramCredentialRecord struct {
	Name       string
	Mechanism  int8 // 1 SHA-256, 2 SHA-512
	Salt       []byte
	StoredKey  []byte
	ServerKey  []byte
	Iterations int32
}

// Type implements Record.
func (*UserScramCredentialRecord) Type() RecordType { return TypeUserScramCredential }

func (r *UserScramCredentialRecord) walk(c *protocol.Coder) {
	c.String(&r.Name)
	c.Int8(&r.Mechanism)
	c.Bytes(&r.Salt)
	c.Bytes(&r.StoredKey)
	c.Bytes(&r.ServerKey)
	c.Int32(&r.Iterations)
	c.Tags()
}

// RemoveUserScramCredentialRecord removes a user's credential of a mechanism.
type RemoveUserScramCredentialRecord struct {
	Name      string
	Mechanism int8
}

// Type implements Record.
func (*RemoveUserScramCredentialRecord) Type() RecordType { return TypeRemoveUserScramCredential }

func (r *RemoveUserScramCredentialRecord) walk(c *protocol.Coder) {
	c.String(&r.Name)
	c.Int8(&r.Mechanism)
	c.Tags()
}

// DelegationTokenRecord is a delegation token.
type DelegationTokenRecord struct {
	Owner               string
	Requester           string
	Renewers            []string
	IssueTimestamp      int64
	MaxTimestamp        int64
	ExpirationTimestamp int64
	TokenID             string
}

// Type implements Record.
func (*DelegationTokenRecord) Type() RecordType { return TypeDelegationToken }

func (r *DelegationTokenRecord) walk(c *protocol.Coder) {
	c.String(&r.Owner)
	c.String(&r.Requester)
	protocol.Array(c, &r.Renewers, (*protocol.Coder).String)
	c.Int64(&r.IssueTimestamp)
	c.Int64(&r.MaxTimestamp)
	c.Int64(&r.ExpirationTimestamp)
	c.String(&r.TokenID)
	c.Tags()
}

// RemoveDelegationTokenRecord removes a delegation token.
type RemoveDelegationTokenRecord struct {
	TokenID string
}

// Type implements Record.
func (*RemoveDelegationTokenRecord) Type() RecordType { return TypeRemoveDelegationToken }

func (r *RemoveDelegationTokenRecord) walk(c *protocol.Coder) {
	c.String(&r.TokenID)
	c.Tags()
}

// ClientQuotaRecord sets or removes one limit of one quota entity.
type ClientQuotaRecord struct {
	Entity []QuotaEntity
	Key    string
	Value  float64
	Remove bool
}

// QuotaEntity is one part of what a quota applies to; a nil name is the default.
type QuotaEntity struct {
	Type string
	Name *string
}

// Type implements Record.
func (*ClientQuotaRecord) Type() RecordType { return TypeClientQuota }

func (r *ClientQuotaRecord) walk(c *protocol.Coder) {
	protocol.Array(c, &r.Entity, func(c *protocol.Coder, e *QuotaEntity) {
		c.String(&e.Type)
		c.NullableString(&e.Name)
		c.Tags()
	})
	c.String(&r.Key)
	c.Float64(&r.Value)
	c.Bool(&r.Remove)
	c.Tags()
}
