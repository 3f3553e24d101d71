package group

import (
	"encoding/binary"
	"fmt"

	"github.com/barnabas-mq/barnabas/coordinator"
)

// Kinds of keys of the streams protocol (Kafka's CoordinatorRecordType)
// that tell of a group or of a member. A data directory that Apache Kafka has used
// may hold them. They stay in the log as they are; the machine keeps of them what
// it takes to leave such a group alone.
const (
	streamsGroupKey  = 17
	streamsMemberKey = 19
)

// Types of groups that are not served. Unreadable is ours: a newer version has
// written what the group consists of.
const (
	Streams    Type = "streams"
	Unreadable Type = "unreadable"
)

// foreign is a group of a protocol that is not served here.
type foreign struct {
	kind    Type
	members map[string]struct{}
}

// foreignKind says which protocol a kind of key belongs to, and whether it tells
// of a member or of the group itself.
func foreignKind(kind int) (t Type, member, ok bool) {
	switch kind {
	case streamsGroupKey, streamsMemberKey:
		return Streams, kind == streamsMemberKey, true
	}
	return "", false, false
}

// applyForeign notes that a group of another protocol, or a member of it, is there
// or gone.
func (m *Machine) applyForeign(kind int, r coordinator.Record) error {
	t, isMember, ok := foreignKind(kind)
	if !ok {
		return nil // what a group consists of, or a kind of a newer version
	}
	groupID, memberID, err := parseForeignKey(r.Key, isMember)
	if err != nil {
		return err
	}
	switch {
	case r.Value != nil:
		f := m.setForeign(groupID, t)
		if isMember {
			f.members[memberID] = struct{}{}
		}
	case isMember:
		if g := m.groups[groupID]; g != nil && g.foreign != nil {
			delete(g.foreign.members, memberID)
		}
	default:
		m.forgetForeign(groupID)
	}
	return nil
}

// setForeign makes the group one of the type; what makes it Unreadable stays.
func (m *Machine) setForeign(groupID string, t Type) *foreign {
	g := m.groupOrNew(groupID)
	if g.foreign == nil {
		g.foreign = &foreign{kind: t, members: map[string]struct{}{}}
	}
	if g.foreign.kind != Unreadable {
		g.foreign.kind = t
	}
	return g.foreign
}

// setUnreadable sets aside a group that a newer version has written: the others of
// the shard are served all the same.
func (m *Machine) setUnreadable(groupID string) { m.setForeign(groupID, Unreadable).kind = Unreadable }

func (m *Machine) forgetForeign(groupID string) {
	g := m.groups[groupID]
	if g == nil || g.foreign == nil || g.foreign.kind == Unreadable {
		return
	}
	g.foreign = nil
	m.dropIfEmpty(groupID, g)
}

// parseForeignKey reads the group's id and what else begins such a key: a
// member's id.
func parseForeignKey(b []byte, withMember bool) (groupID, memberID string, err error) {
	rest := b[keyKindBytes:]
	if groupID, rest, err = cutString(rest); err == nil && withMember {
		memberID, _, err = cutString(rest)
	}
	if err != nil {
		return "", "", fmt.Errorf("a group's key cannot be read: %w", err)
	}
	return groupID, memberID, nil
}

func cutString(b []byte) (s string, rest []byte, err error) {
	const lengthBytes = 2
	if len(b) < lengthBytes {
		return "", nil, fmt.Errorf("%d bytes are too short for a string", len(b))
	}
	n := int(int16(binary.BigEndian.Uint16(b)))
	if b = b[lengthBytes:]; n < 0 || n > len(b) {
		return "", nil, fmt.Errorf("a string of %d bytes in %d", n, len(b))
	}
	return string(b[:n]), b[n:], nil
}

// refusesMembers says why nobody can join as a classic member.
func (f *foreign) refusesMembers() error {
	if f.kind == Unreadable {
		return ErrUnsupportedGroup
	}
	return ErrInconsistentProtocol
}

// checkCommit answers for a group of another protocol as Kafka does: to an empty
// one a tool may commit.
func (f *foreign) checkCommit(generation int32) error {
	switch {
	case f.kind == Unreadable:
		return ErrUnsupportedGroup
	case len(f.members) > 0 || generation >= 0:
		return ErrUnknownMember
	}
	return nil
}

// checkDeleteOffsets: nobody here can tell what the members read.
func (f *foreign) checkDeleteOffsets() error {
	switch {
	case f.kind == Unreadable:
		return ErrUnsupportedGroup
	case len(f.members) > 0:
		return ErrGroupNotEmpty
	}
	return nil
}

// checkDelete: nobody here knows which records such a group consists of.
func (f *foreign) checkDelete() error {
	if len(f.members) > 0 {
		return ErrGroupNotEmpty
	}
	return ErrUnsupportedGroup
}

// listing is the group as ListGroups shows it. Whether its members live is not
// known here.
func (f *foreign) listing(groupID string) Listing {
	l := Listing{GroupID: groupID, ProtocolType: string(f.kind), State: Empty, Type: f.kind}
	if len(f.members) > 0 {
		l.State = Stable
	}
	return l
}
