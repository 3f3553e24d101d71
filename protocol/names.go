package protocol

import "strings"

// APIKey is the key of an API by its name, in any case.
func APIKey(name string) (key int16, known bool) {
	for key := range int16(len(requestLayouts)) {
		if known := APIName(key); known != "" && strings.EqualFold(known, name) {
			return key, true
		}
	}
	return 0, false
}

// ErrorForName is the error that Kafka spells so, or nil.
func ErrorForName(name string) *Error {
	for _, e := range errorsByCode {
		if e != nil && e.Name == name {
			return e
		}
	}
	return nil
}
