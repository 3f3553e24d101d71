package metadata

import (
	"slices"
	"strings"
)

// ConfigOp is what an incremental change does to a config, by the protocol's numbers.
type ConfigOp int8

// The operations of IncrementalAlterConfigs.
const (
	ConfigSet      ConfigOp = 0
	ConfigDelete   ConfigOp = 1
	ConfigAppend   ConfigOp = 2 // add elements to a list
	ConfigSubtract ConfigOp = 3 // take elements out of a list
)

// ConfigChange is one step of an incremental change.
type ConfigChange struct {
	Name  string
	Op    ConfigOp
	Value string
	// Default is what a list is changed from when it was not set.
	Default string
}

// AlterConfigs makes the records of an incremental change to one resource. The
// caller has checked that lists are lists and that no name is there twice.
// check, unless nil, sees all configs of the resource as they will be.
func AlterConfigs(img *Image, r Resource, changes []ConfigChange, check func(Config) error) ([]Record, error) {
	if err := img.checkResource(r); err != nil {
		return nil, err
	}
	current := img.Config(r)
	var records []Record
	for i := range changes {
		next := changes[i].next(current)
		records = appendConfigRecord(records, r, current, changes[i].Name, next)
	}
	return checkConfigs(current, records, check)
}

// ReplaceConfigs makes the records after which exactly the entries are set.
func ReplaceConfigs(img *Image, r Resource, entries []ConfigEntry, check func(Config) error) ([]Record, error) {
	if err := img.checkResource(r); err != nil {
		return nil, err
	}
	current := img.Config(r)
	var records []Record
	for i := range entries {
		records = appendConfigRecord(records, r, current, entries[i].Name, &entries[i].Value)
	}
	for _, old := range current {
		if !slices.ContainsFunc(entries, func(e ConfigEntry) bool { return e.Name == old.Name }) {
			records = append(records, &ConfigRecord{r.Type, r.Name, old.Name, nil})
		}
	}
	return checkConfigs(current, records, check)
}

func (img *Image) checkResource(r Resource) error {
	if r.Type != ResourceTopic {
		return nil
	}
	_, err := img.FindTopic(TopicKey{Name: r.Name})
	if r.Name == "" {
		err = ValidateTopicName(r.Name)
	}
	return err
}

// next is the value after the change, nil for none.
func (c *ConfigChange) next(current Config) *string {
	value, set := current.Get(c.Name)
	switch c.Op {
	case ConfigSet:
		return &c.Value
	case ConfigDelete:
		return nil
	}
	if !set {
		value = c.Default
	}
	elements := slices.DeleteFunc(strings.Split(value, ","), func(e string) bool { return e == "" })
	for e := range strings.SplitSeq(c.Value, ",") {
		i := slices.Index(elements, e)
		switch {
		case c.Op == ConfigAppend && i < 0:
			elements = append(elements, e)
		case c.Op == ConfigSubtract && i >= 0:
			elements = slices.Delete(elements, i, i+1)
		}
	}
	value = strings.Join(elements, ",")
	return &value
}

// appendConfigRecord leaves out what changes nothing, except for brokers: there
// Kafka repeats the record so that files which a value names are read again
// (KAFKA-14136).
func appendConfigRecord(records []Record, r Resource, current Config, name string, next *string) []Record {
	value, set := current.Get(name)
	same := set == (next != nil) && (next == nil || *next == value)
	if same && r.Type != ResourceBroker {
		return records
	}
	return append(records, &ConfigRecord{r.Type, r.Name, name, next})
}

func checkConfigs(current Config, records []Record, check func(Config) error) ([]Record, error) {
	if check == nil {
		return records, nil
	}
	next := current
	for _, r := range records {
		c := r.(*ConfigRecord)
		next = next.with(c.Name, c.Value)
	}
	if err := check(next); err != nil {
		return nil, err
	}
	return records, nil
}
