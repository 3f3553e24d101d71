package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/barnabas-mq/barnabas/compat-tests/bench/record"
)

// results is the generated part of the page.
func results(run record.Run, plots []plot) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %s: %s.\n", day(run.Date), run.Machine)
	var versions []string
	for _, name := range slices.Sorted(maps.Keys(run.Versions)) {
		versions = append(versions, name+" "+run.Versions[name])
	}
	fmt.Fprintf(&b, "Versions: %s.\n\n", strings.Join(versions, "; "))
	for _, s := range run.Series {
		fmt.Fprintf(&b, "### %s\n\n", s.Title)
		for _, p := range plots {
			if p.title == s.Title {
				fmt.Fprintf(&b, "![how many times better: %s](%s/%s)\n\n", s.Title, plotFolder, p.file)
			}
		}
		b.WriteString(tableOf(s))
		b.WriteString(runsOf(s))
		b.WriteString(remarks(s))
		b.WriteString(goalsOf(s))
	}
	return b.String()
}

// tableOf is a series as a table: medians with the lowest and highest round, and
// ratios.
func tableOf(s record.Series) string {
	var b strings.Builder
	head := []string{"workload", "unit"}
	head = append(head, s.Columns...)
	for _, column := range s.Columns[1:] {
		if s.OfFirst {
			head = append(head, column+" to "+s.Columns[0])
		} else {
			head = append(head, "to "+column)
		}
	}
	line(&b, head)
	b.WriteString("|---|---|" + strings.Repeat("--:|", len(head)-2) + "\n")
	for _, f := range s.Figures {
		cells := []string{f.Name, f.Unit}
		for _, column := range s.Columns {
			cell := record.Spread(f.Samples[column])
			if date, earlier := f.Earlier[column]; earlier {
				cell += ", of " + day(date)
			}
			cells = append(cells, cell)
		}
		for _, column := range s.Columns[1:] {
			cells = append(cells, record.Times(s.Ratio(f, column)))
		}
		line(&b, cells)
	}
	return b.String() + "\n"
}

// day is the date of a moment.
func day(moment string) string {
	date, _, _ := strings.Cut(moment, "T")
	return date
}

// runsOf tells when, and on which Barnabas, the figures of a series were measured; where
// that was in several runs, which in which.
func runsOf(s record.Series) string {
	rows := map[string][]string{}
	for _, f := range s.Figures {
		if f.Date == "" {
			continue
		}
		of := day(f.Date) + ", Barnabas " + f.Version
		if name := f.Name + " (" + f.Unit + ")"; !slices.Contains(rows[of], name) {
			rows[of] = append(rows[of], name)
		}
	}
	var b strings.Builder
	for _, of := range slices.Sorted(maps.Keys(rows)) {
		which := ""
		if len(rows) > 1 {
			which = ": " + strings.Join(rows[of], ", ")
		}
		fmt.Fprintf(&b, "- of %s%s\n", of, which)
	}
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	return b.String()
}

func line(b *strings.Builder, cells []string) {
	for _, c := range cells {
		b.WriteString("| " + strings.ReplaceAll(c, "|", "\\|") + " ")
	}
	b.WriteString("|\n")
}

// remarks are what the reader has to know: failures, notes, void rounds.
func remarks(s record.Series) string {
	var b strings.Builder
	void := 0
	for _, r := range s.Rounds {
		if r.Void {
			void++
		}
	}
	if void > 0 {
		fmt.Fprintf(&b, "- %d of %d rounds were void, because the null broker moved.\n", void, len(s.Rounds))
	}
	for _, note := range s.Notes {
		fmt.Fprintf(&b, "- %s\n", note)
	}
	for _, failure := range s.Failures {
		first, _, _ := strings.Cut(failure, "\n")
		fmt.Fprintf(&b, "- failed: %s\n", first)
	}
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	return b.String()
}

// goalsOf are the goals of a series: met, missed or not measured.
func goalsOf(s record.Series) string {
	if len(s.Goals) == 0 {
		return ""
	}
	var b strings.Builder
	line(&b, []string{"goal", "measured", "wanted", ""})
	b.WriteString("|---|--:|--:|---|\n")
	for _, v := range s.Goals {
		what, suffix := v.Row+", "+v.Unit+", "+v.Column, " "+v.Unit
		if v.Ratio {
			what, suffix = v.Row+", "+v.Unit+", to "+v.Column, "x"
		}
		side, verdict, got := ">=", "**missed**", fmt.Sprintf("%.3g%s", v.Got, suffix)
		if v.AtMost {
			side = "<="
		}
		switch {
		case v.Missing != "":
			verdict, got = "**not measured**", v.Missing
		case v.Met:
			verdict = "met"
		}
		if v.Unsteady {
			verdict += ", on an unsteady machine"
		}
		line(&b, []string{what, got, fmt.Sprintf("%s %.3g%s", side, v.Bound, suffix), verdict})
	}
	return b.String() + "\n"
}
