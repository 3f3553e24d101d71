package metadata

import "slices"

// ConfigChange is one step of an incremental change: the new value of a config,
// nil to remove it. Operations on lists have been worked out before.
type ConfigChange struct {
	Name  string
	Value *string
}

// AlterConfigs makes the records of an incremental change to one resource. The
// caller has checked that no name is there twice.
func AlterConfigs(img *Image, r Resource, changes []ConfigChange) ([]Record, error) {
	if err := img.checkResource(r); err != nil {
		return nil, err
	}
	current := img.Config(r)
	var records []Record
	for _, c := range changes {
		records = appendConfigRecord(records, r, current, c.Name, c.Value)
	}
	return records, nil
}

// ReplaceConfigs makes the records after which exactly the entries are set.
func ReplaceConfigs(img *Image, r Resource, entries []ConfigEntry) ([]Record, error) {
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
	return records, nil
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
