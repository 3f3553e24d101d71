package kerberos

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Keytab is a file with the keys of services, in MIT's format, version 2: what kadmin, ktutil
// and ktpass write.
type Keytab struct{ entries []keytabEntry }

type keytabEntry struct {
	principal Principal
	version   uint32
	etype     int32
	value     []byte
}

// KeytabBytesMax bounds a file: a key needs a hundred bytes.
const KeytabBytesMax = 1 << 20

// keytabMagic begins a file: 5, and its version.
const keytabMagic = "\x05\x02"

// ParseKeytab reads a file.
func ParseKeytab(raw []byte) (Keytab, error) {
	if len(raw) > KeytabBytesMax {
		return Keytab{}, fmt.Errorf("it has %d bytes, which no keytab has", len(raw))
	}
	if len(raw) < len(keytabMagic) || string(raw[:len(keytabMagic)]) != keytabMagic {
		return Keytab{}, errors.New("it is no keytab of version 2; kadmin's ktadd and ktutil's wkt write one")
	}
	var k Keytab
	for raw = raw[len(keytabMagic):]; len(raw) >= 4; {
		size := int32(binary.BigEndian.Uint32(raw))
		raw = raw[4:]
		hole := size < 0 // that an entry has left
		if hole {
			size = -size
		}
		if size < 0 || int(size) > len(raw) {
			return Keytab{}, errors.New("the keytab is cut short")
		}
		record := raw[:size]
		raw = raw[size:]
		if size == 0 { // nothing follows
			break
		}
		if hole {
			continue
		}
		e, err := parseKeytabEntry(record)
		if err != nil {
			return Keytab{}, err
		}
		k.entries = append(k.entries, e)
	}
	return k, nil
}

// octets reads numbers and counted texts; what is not there is a fault.
type octets struct {
	rest []byte
	cut  bool
}

func (o *octets) take(n int) []byte {
	if n > len(o.rest) {
		o.rest, o.cut = nil, true
		return make([]byte, min(n, 4)) // for the numbers; a text is of what there is
	}
	part := o.rest[:n]
	o.rest = o.rest[n:]
	return part
}

func (o *octets) short() int      { return int(binary.BigEndian.Uint16(o.take(2))) }
func (o *octets) counted() []byte { return o.take(o.short()) }

func parseKeytabEntry(record []byte) (e keytabEntry, err error) {
	o := &octets{rest: record}
	components := o.short()
	e.principal.Realm = string(o.counted())
	for range components {
		if o.cut {
			break
		}
		e.principal.Components = append(e.principal.Components, string(o.counted()))
	}
	o.take(4) // the kind of the name
	o.take(4) // when it was written
	e.version = uint32(o.take(1)[0])
	e.etype = int32(o.short())
	e.value = o.counted()
	if len(o.rest) >= 4 { // the whole version, where eight bits are not enough
		if v := binary.BigEndian.Uint32(o.take(4)); v != 0 {
			e.version = v
		}
	}
	if o.cut {
		return e, errors.New("an entry of the keytab is cut short")
	}
	return e, nil
}

// Keys are those of one service.
type Keys []serviceKey

type serviceKey struct {
	key
	version uint32
}

// Of gives the keys of a principal, those of all its versions: tickets that a client has go on
// until they expire, whatever key has come since. An error says what to do.
func (k Keytab) Of(p Principal) (Keys, error) {
	var keys Keys
	var ended, others []string
	for _, e := range k.entries {
		if !e.principal.equal(p) {
			if name := e.principal.String(); !slices.Contains(others, name) {
				others = append(others, name)
			}
			continue
		}
		usable, err := newKey(e.etype, e.value)
		if err != nil {
			ended = append(ended, err.Error())
			continue
		}
		keys = append(keys, serviceKey{usable, e.version})
	}
	switch {
	case len(keys) > 0:
		return keys, nil
	case len(ended) > 0:
		return nil, fmt.Errorf("it has no key of %s that can be used (%s); write one of %s with kadmin: ktadd -k FILE -e %s:normal %[1]s",
			p, strings.Join(ended, "; "), etypes[2].name, etypes[2].name)
	case len(others) > 0:
		return nil, fmt.Errorf("it has no key of %s, and has some of %s; write one with kadmin: ktadd -k FILE %[1]s", p, few(others))
	}
	return nil, fmt.Errorf("it has no keys; write one with kadmin: ktadd -k FILE %s", p)
}

// few names a few of many.
func few(names []string) string {
	const most = 5
	if len(names) > most {
		names = append(slices.Clone(names[:most]), fmt.Sprintf("%d more", len(names)-most))
	}
	return strings.Join(names, ", ")
}

// open finds the key that opens a ticket: of the version that it names, or else any of its
// encryption type. Some KDCs do not keep count.
func (k Keys) open(e encrypted) ([]byte, error) {
	wanted := errors.New("there is no key of its encryption type, " + etypeName(e.etype))
	for _, named := range []bool{true, false} {
		for _, one := range k {
			if one.id != e.etype || (e.versioned && one.version == e.keyVersion) != named {
				continue
			}
			plain, err := one.decrypt(usageTicket, e.cipher)
			if err == nil {
				return plain, nil
			}
			wanted = err
		}
	}
	return nil, wanted
}
