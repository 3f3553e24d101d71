package config

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Check tells whether raw is a legal value of the setting.
func (k *Key) Check(raw string) error {
	reason := k.checkType(raw)
	if reason == "" {
		reason = checkRule(k.Valid, k.Type, strings.TrimSpace(raw))
	}
	if reason == "" {
		return nil
	}
	return k.invalid(raw, reason)
}

// invalid is the error of a bad value, with the value hidden if it is a secret.
func (k *Key) invalid(raw, reason string) error {
	if k.Sensitive() {
		raw = "[hidden]"
	}
	return &Error{Kind: ErrInvalidConfig, Key: k.Name,
		Message: "Invalid value " + cut(raw) + " for configuration " + k.Name + ": " + reason}
}

// cut keeps what a peer sent from filling our log.
func cut(s string) string {
	const most = 256
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

func (k *Key) checkType(raw string) string {
	s := strings.TrimSpace(raw)
	var err error
	switch k.Type {
	case TypeBoolean:
		if _, ok := parseBool(s); !ok {
			return "true or false is expected"
		}
	case TypeShort:
		_, err = strconv.ParseInt(s, 10, 16)
	case TypeInt:
		_, err = strconv.ParseInt(s, 10, 32)
	case TypeLong:
		_, err = strconv.ParseInt(s, 10, 64)
	case TypeDouble:
		if _, ok := parseDouble(s); !ok {
			return "Not a number of type DOUBLE"
		}
	}
	if err != nil {
		return "Not a number of type " + strings.ToUpper(k.Type.String())
	}
	return ""
}

// Canonical is the value as Kafka shows it after parsing: trimmed, lists
// without blanks and doublets, numbers and booleans in one spelling. A value
// that does not parse is returned as it is.
func (k *Key) Canonical(raw string) string {
	s := strings.TrimSpace(raw)
	switch k.Type {
	case TypeBoolean:
		if v, ok := parseBool(s); ok {
			return strconv.FormatBool(v)
		}
	case TypeShort, TypeInt, TypeLong:
		if v, err := strconv.ParseInt(s, 10, 64); err == nil {
			return strconv.FormatInt(v, 10)
		}
	case TypeDouble:
		if v, ok := parseDouble(s); ok {
			return formatDouble(v)
		}
	case TypeList:
		return strings.Join(distinct(parseList(s)), ",")
	case TypePassword:
		return raw
	}
	return s
}

func parseBool(s string) (value, ok bool) {
	if strings.EqualFold(s, "true") {
		return true, true
	}
	return false, strings.EqualFold(s, "false")
}

// parseDouble reads what Java's Double.parseDouble reads: a type suffix is
// legal there, and the words for what is not finite have one spelling.
func parseDouble(s string) (float64, bool) {
	switch strings.TrimLeft(s, "+-") {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		if s[0] == '-' {
			return math.Inf(-1), true
		}
		return math.Inf(1), true
	}
	if n := len(s); n > 1 && strings.ContainsRune("dDfF", rune(s[n-1])) {
		s = s[:n-1]
	}
	if strings.Trim(s, "0123456789+-.eE") != "" {
		return 0, false
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(v, 0) {
		return 0, false
	}
	return v, true
}

// formatDouble is Java's Double.toString: plain between 0.001 and ten million,
// with at least one decimal, and with an E outside.
func formatDouble(v float64) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	}
	if abs := math.Abs(v); v == 0 || abs >= 1e-3 && abs < 1e7 {
		s := strconv.FormatFloat(v, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'E', -1, 64), "E")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	e, _ := strconv.Atoi(exponent) // FormatFloat's own output
	return mantissa + "E" + strconv.Itoa(e)
}

// parseList splits at commas and drops the blanks around the elements. An
// empty text is an empty list; an element between two commas may be empty.
func parseList(s string) []string {
	s = strings.TrimSpace(s)
	if s == "" {
		return nil
	}
	parts := strings.Split(s, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// distinct drops repetitions and keeps the order.
func distinct(list []string) []string {
	out := list[:0:0]
	for _, v := range list {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}
