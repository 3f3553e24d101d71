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

func (r *AccessControlEntryRecord) walk(c *coder) {
	c.uuid(&r.ID)
	c.int8(&r.ResourceType)
	c.string(&r.ResourceName)
	c.int8(&r.PatternType)
	c.string(&r.Principal)
	c.string(&r.Host)
	c.int8(&r.Operation)
	c.int8(&r.PermissionType)
	c.tags()
}

// RemoveAccessControlEntryRecord removes an access rule.
type RemoveAccessControlEntryRecord struct {
	ID protocol.UUID
}

// Type implements Record.
func (*RemoveAccessControlEntryRecord) Type() RecordType { return TypeRemoveAccessControlEntry }

func (r *RemoveAccessControlEntryRecord) walk(c *coder) {
	c.uuid(&r.ID)
	c.tags()
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

func (r *UserScramCredentialRecord) walk(c *coder) {
	c.string(&r.Name)
	c.int8(&r.Mechanism)
	c.bytes(&r.Salt)
	c.bytes(&r.StoredKey)
	c.bytes(&r.ServerKey)
	c.int32(&r.Iterations)
	c.tags()
}

// RemoveUserScramCredentialRecord removes a user's credential of a mechanism.
type RemoveUserScramCredentialRecord struct {
	Name      string
	Mechanism int8
}

// Type implements Record.
func (*RemoveUserScramCredentialRecord) Type() RecordType { return TypeRemoveUserScramCredential }

func (r *RemoveUserScramCredentialRecord) walk(c *coder) {
	c.string(&r.Name)
	c.int8(&r.Mechanism)
	c.tags()
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

func (r *DelegationTokenRecord) walk(c *coder) {
	c.string(&r.Owner)
	c.string(&r.Requester)
	array(c, &r.Renewers, (*coder).string)
	c.int64(&r.IssueTimestamp)
	c.int64(&r.MaxTimestamp)
	c.int64(&r.ExpirationTimestamp)
	c.string(&r.TokenID)
	c.tags()
}

// RemoveDelegationTokenRecord removes a delegation token.
type RemoveDelegationTokenRecord struct {
	TokenID string
}

// Type implements Record.
func (*RemoveDelegationTokenRecord) Type() RecordType { return TypeRemoveDelegationToken }

func (r *RemoveDelegationTokenRecord) walk(c *coder) {
	c.string(&r.TokenID)
	c.tags()
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

func (r *ClientQuotaRecord) walk(c *coder) {
	array(c, &r.Entity, func(c *coder, e *QuotaEntity) {
		c.string(&e.Type)
		c.nullableString(&e.Name)
		c.tags()
	})
	c.string(&r.Key)
	c.float64(&r.Value)
	c.bool(&r.Remove)
	c.tags()
}
