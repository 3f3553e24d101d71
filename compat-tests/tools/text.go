package tools

import (
	"regexp"
	"slices"
	"strings"
)

type replacement struct {
	pattern *regexp.Regexp
	with    string
}

func replace(pattern, with string) replacement { return replacement{regexp.MustCompile(pattern), with} }

// noise is what Java's logging and stack traces add.
var noise = []replacement{
	replace(`(?m)^\[20\d\d-.*\n\n?`, ""),
	replace(`(?m)^(\tat |\t\.\.\. |Caused by: ).*\n`, ""),
	replace(`(?m)^ ?\((org|kafka)\.[\w.$]+\)\n\n?`, ""),
	replace(`(?m)^((java|org|joptsimple|kafka|net|com)\.[\w.$]+(Exception|Error))(:.*)?\n`, ""),
}

// usage is how a tool explains itself: to the end of the text.
var usage = []replacement{
	replace(`(?ms)^Option +Description.*\z`, "USAGE\n"),
	replace(`(?ms)^usage: .*?((?:^\S+:\s+error:\s.*)?\z)`, "USAGE\n$1"),
}

// varying is what differs from run to run, or between two brokers, by right.
var varying = []replacement{
	replace(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`, "UUID"),
	replace(`(^|[\s:=])[A-Za-z0-9_][A-Za-z0-9_-]{21}($|[\s,])`, "${1}ID$2"),
	// Before the times: a hash of 19 digits may have one in its midst.
	replace(`"(metadataHash|producerId|previousProducerId)":-?\d+`, `"$1":NUMBER`),
	replace(`1[789]\d{11}`, "TIME"),
	replace(`\bproducerId: \d+`, "producerId: NUMBER"),
	replace(`"topicId":"[\w-]{22}"`, `"topicId":"ID"`),
	replace(`tries=\d+|after \d+ attempt`, "tries"),
}

// measured are the numbers of a measurement.
var measured = []replacement{
	replace(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d{3}`, "DATE"),
	replace(`-?\d+\.\d+`, "N"),
	replace(`\d+ ms\b`, "N ms"),
	replace(`(?m)^(DATE, DATE, N, N, \d+, N), .*$`, "$1, ..."),
}

// wrapped is what argparse4j writes 80 columns wide.
var wrapped = regexp.MustCompile(`(?s)\S+:\s+error:\s.*`)

func unwrap(text string) string {
	return wrapped.ReplaceAllStringFunc(text, func(s string) string {
		return strings.Join(strings.Fields(strings.ReplaceAll(s, "-\n", "-")), " ") + "\n"
	})
}

// sets are lists that Java's tools print in the order of a HashSet of things without a hash of
// their own: another one in each run.
var sets = []*regexp.Regexp{
	regexp.MustCompile(`(\[[a-z-]+\], )+\[[a-z-]+\]`), regexp.MustCompile(`Valid (states|types) are: .*`),
	regexp.MustCompile(`\b[A-Z_]{3,}(, [A-Z_]{3,})+\b`), // operations
}

func sortSets(text string) string {
	for _, set := range sets {
		text = set.ReplaceAllStringFunc(text, func(list string) string {
			head, words, hasHead := strings.Cut(list, ": ")
			if !hasHead {
				head, words = "", list
			}
			sorted := strings.Split(words, ", ")
			slices.Sort(sorted)
			if hasHead {
				head += ": "
			}
			return head + strings.Join(sorted, ", ")
		})
	}
	return text
}

// aclLines and aclBlocks are what kafka-acls prints in the order of such sets: entries of a resource,
// and resources.
var (
	aclLines  = regexp.MustCompile(`(?m)(^ ?\t\(principal=.*\n|^Acl \(.*\n)+`)
	aclBlocks = regexp.MustCompile(`(?m)(^(Adding|Current) ACLs for resource .*\n( ?\t.*\n)+\n)+`)
)

func sortACLs(text string) string {
	text = aclLines.ReplaceAllStringFunc(text, func(lines string) string {
		first := lines[:len(lines)-len(strings.TrimLeft(lines, " "))]
		return first + sortParts(lines[len(first):], "\n")
	})
	return aclBlocks.ReplaceAllStringFunc(text, func(blocks string) string { return sortParts(blocks, "\n\n") })
}

func sortParts(text, end string) string {
	parts := slices.Sorted(strings.SplitSeq(strings.TrimSuffix(text, end), end))
	return strings.Join(parts, end) + end
}

// checksums of batches depend on the time that is in them.
var checksums = replace(`crc: \d+`, "crc: CRC")

// normalise takes out what may differ; doing it twice changes nothing.
func (w *scene) normalise(command, text string) string {
	_, port, _ := strings.Cut(w.bootstrap, ":")
	text = strings.ReplaceAll(text, "\r", "")
	pairs := []string{w.bootstrap, "ADDR"}
	if w.lastFile != "" {
		pairs = append(pairs, w.lastFile, "FILE")
	}
	text = strings.NewReplacer(append(pairs, w.dir, "DIR", w.data, "DATA")...).Replace(text)
	text = regexp.MustCompile(`\b`+port+`\b`).ReplaceAllString(text, "PORT")
	all := [][]replacement{noise, usage, varying, {checksums}}
	if strings.Contains(command, "perf-test") {
		all = append(all, measured)
	}
	for _, list := range all {
		for _, r := range list {
			text = r.pattern.ReplaceAllString(text, r.with)
		}
	}
	return sortACLs(sortSets(unwrap(text)))
}
