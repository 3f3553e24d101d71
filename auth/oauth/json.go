package oauth

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// object is a JSON object whose values are read when they are asked for.
type object map[string]json.RawMessage

// parseObject reads an object whose names come once each. By itself Go would take the
// last of two, and "ALG" for "alg": another reader of the same token would see
// something else. How deep values are nested is bounded by Go.
func parseObject(raw []byte) (object, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("is no JSON object")
	}
	o := object{}
	for d.More() {
		t, err := d.Token()
		name, isName := t.(string)
		if err != nil || !isName {
			return nil, errors.New("is no JSON")
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, errors.New("is no JSON")
		}
		if _, twice := o[name]; twice {
			return nil, fmt.Errorf("has %.64q twice", name)
		}
		o[name] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, errors.New("is no JSON")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("goes on after its end")
	}
	return o, nil
}

var errMissing = errors.New("is missing")

// find is a value that is there and not null.
func (o object) find(name string) (json.RawMessage, bool) {
	raw, found := o[name]
	return raw, found && string(raw) != "null"
}

// text is a value that is a text.
func (o object) text(name string) (string, error) {
	raw, found := o.find(name)
	if !found {
		return "", errMissing
	}
	var s string
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", errors.New("is no text")
	}
	return s, nil
}

// textIfAny is text, and empty for a value that is missing.
func (o object) textIfAny(name string) (string, error) {
	s, err := o.text(name)
	if errors.Is(err, errMissing) {
		return "", nil
	}
	return s, err
}

// texts is a value that is a text or a list of texts; nothing for one that is missing.
func (o object) texts(name string) ([]string, error) {
	raw, found := o.find(name)
	switch {
	case !found:
		return nil, nil
	case raw[0] == '[':
		var list []*string
		if json.Unmarshal(raw, &list) != nil {
			return nil, errors.New("is no list of texts")
		}
		all := make([]string, 0, len(list))
		for _, s := range list {
			if s == nil {
				return nil, errors.New("is no list of texts")
			}
			all = append(all, *s)
		}
		return all, nil
	}
	s, err := o.text(name)
	if err != nil {
		return nil, errors.New("is neither a text nor a list")
	}
	return []string{s}, nil
}

// number is a value that is a number, of which found tells whether there is one.
func (o object) number(name string) (n float64, found bool, err error) {
	raw, found := o.find(name)
	if !found {
		return 0, false, nil
	}
	if raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		return 0, true, errors.New("is no number")
	}
	n, err = strconv.ParseFloat(string(raw), 64)
	if err != nil || math.IsInf(n, 0) {
		return 0, true, errors.New("is too large a number")
	}
	return n, true, nil
}

// decodeBase64 reads base64url without padding (RFC 7515, section 2), of which there is
// one way to write each value.
func decodeBase64(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") { // which Go passes over
		return nil, errors.New("is no base64url")
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, errors.New("is no base64url")
	}
	return raw, nil
}
