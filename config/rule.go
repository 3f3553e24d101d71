package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Kafka's notation of legal values, as it stands in Key.Valid:
//
//	[1,...]  [1,...,9]  [1,...,9] or -1       a range of numbers
//	[a, b]   (case insensitive) [A, B]        one of these, or a list of these
//	[a, b] or empty                           one of these, or nothing
//	non-empty string  non-empty list  non-null string
//
// and the two notations below, which need code of their own.
const (
	validThrottledReplicas = "[partitionId]:[brokerId],[partitionId]:[brokerId],..."
	validOffsetReset       = "[latest, earliest, by_duration:PnDTnHnMn.nS]"

	caseInsensitive = "(case insensitive) "
	orEmpty         = " or empty"
)

// The patterns are compiled when they are first needed, not at start.
var (
	throttledReplica = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(\d+:\d+)?$`) })
	isoDuration      = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)^\+?P(?:(\d+)D)?(T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,](\d{0,9}))?S)?)?$`)
	})
)

// checkRule answers why the value breaks the rule, or nothing. The value has
// the right type already.
func checkRule(valid string, t Type, s string) string {
	if t == TypeList && valid != validThrottledReplicas {
		if slices.Contains(parseList(s), "") {
			return "an element of the list is empty"
		}
	}
	switch {
	case valid == "" || valid == "non-null string" || valid == "non-empty list":
		// What is written in a file or sent by a client is never null, and Kafka
		// lets the lists marked so be empty when nothing needs them.
		return ""
	case valid == "non-empty string":
		if s == "" {
			return "the string is empty"
		}
		return ""
	case valid == validThrottledReplicas:
		return checkThrottledReplicas(s)
	case valid == validOffsetReset:
		return checkOffsetReset(s)
	case strings.Contains(valid, ",..."):
		return checkRange(valid, s)
	}
	return checkOneOf(valid, t, s)
}

func checkRange(valid, s string) string {
	v, ok := parseDouble(s)
	if !ok {
		return "not a number"
	}
	span, exception, _ := strings.Cut(valid, " or ")
	if exception != "" && s == exception {
		return ""
	}
	low, high, _ := strings.Cut(strings.Trim(span, "[]"), ",...")
	if bound, err := strconv.ParseFloat(low, 64); err == nil && v < bound {
		return "Value must be at least " + low + orException(exception)
	}
	high = strings.TrimPrefix(high, ",")
	if bound, err := strconv.ParseFloat(high, 64); err == nil && v > bound {
		return "Value must be no more than " + high + orException(exception)
	}
	return ""
}

func orException(exception string) string {
	if exception == "" {
		return ""
	}
	return ", or " + exception
}

func checkOneOf(valid string, t Type, s string) string {
	names, fold := strings.CutPrefix(valid, caseInsensitive)
	names, mayBeEmpty := strings.CutSuffix(names, orEmpty)
	names = strings.Trim(names, "[]")
	if mayBeEmpty && s == "" {
		return ""
	}
	values := []string{s}
	if t == TypeList {
		values = parseList(s)
	}
	for _, v := range values {
		if !oneOf(names, v, fold) {
			if mayBeEmpty {
				names += "," + orEmpty
			}
			return "String must be one of: " + names
		}
	}
	return ""
}

func oneOf(names, v string, fold bool) bool {
	for _, name := range strings.Split(names, ", ") {
		if name == v || fold && strings.EqualFold(name, v) {
			return true
		}
	}
	return false
}

func checkThrottledReplicas(s string) string {
	list := parseList(s)
	if strings.Join(list, ",") == "*" {
		return ""
	}
	for _, v := range list {
		if !throttledReplica().MatchString(v) {
			return "either * or a list of partition:broker pairs is expected"
		}
	}
	return ""
}

func checkOffsetReset(s string) string {
	if s == "latest" || s == "earliest" {
		return ""
	}
	text, ok := strings.CutPrefix(s, "by_duration:")
	m := isoDuration().FindStringSubmatch(text)
	// "P" and "PT" alone match the pattern but say nothing.
	if !ok || m == nil || strings.HasSuffix(strings.ToUpper(text), "T") || strings.EqualFold(strings.TrimPrefix(text, "+"), "P") {
		return "earliest, latest or by_duration:PnDTnHnMn.nS is expected"
	}
	return ""
}
