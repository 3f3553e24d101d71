package record

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Merge joins runs of one machine. A figure that several have is that of the last
// of them: figures of two runs are never one median, because only those of one run
// were measured beside each other. Columns that only an earlier run has stay, with its
// date. A failure goes when its workload was taken again.
func Merge(runs ...Run) (Run, error) {
	if len(runs) == 0 {
		return Run{}, fmt.Errorf("no runs to merge")
	}
	out := runs[0]
	out.Versions = map[string]string{}
	out.Series, out.Flags = nil, nil
	for _, r := range runs {
		if r.Machine != out.Machine {
			return Run{}, fmt.Errorf("runs of two machines: %s, and %s", out.Machine, r.Machine)
		}
		out.Date = max(out.Date, r.Date)
		out.Flags = append(out.Flags, r.Flags...)
		for name, version := range r.Versions {
			if before, known := out.Versions[name]; known && slices.Contains(strings.Split(before, ", "), version) {
				version = before
			} else if known {
				version = before + ", " + version
			}
			out.Versions[name] = version
		}
		for _, s := range r.Series {
			at := slices.IndexFunc(out.Series, func(o Series) bool { return o.Title == s.Title })
			switch {
			case at < 0:
				out.Series = append(out.Series, s)
			case s.replaces(out.Series[at]):
				out.Series[at] = s
			default:
				out.Series[at] = out.Series[at].with(s)
			}
		}
	}
	return out, nil
}

// replaces tells whether a later series measured all that an earlier one had, of every
// column, so that nothing of that remains.
func (s Series) replaces(earlier Series) bool {
	return !slices.ContainsFunc(earlier.Figures, func(f Figure) bool {
		return !slices.ContainsFunc(s.Figures, func(o Figure) bool {
			return o.is(f) && !slices.ContainsFunc(earlier.Columns, func(column string) bool {
				return len(f.Samples[column]) > 0 && len(o.Samples[column]) == 0
			})
		})
	})
}

// is tells whether two figures are of the same row.
func (f Figure) is(o Figure) bool { return f.Name == o.Name && f.Unit == o.Unit }

// over is a figure with those columns of an earlier one that it has not itself, marked
// with their date.
func (f Figure) over(earlier Figure) Figure {
	f.Samples, f.Earlier = maps.Clone(f.Samples), maps.Clone(f.Earlier)
	for column, samples := range earlier.Samples {
		if len(samples) == 0 || len(f.Samples[column]) > 0 {
			continue
		}
		if f.Earlier == nil {
			f.Earlier = map[string]string{}
		}
		f.Samples[column] = samples
		f.Earlier[column] = cmp.Or(earlier.Earlier[column], earlier.Date, "earlier")
	}
	return f
}

// remains tells whether a failure is of a workload that a later series has not taken
// again, or of a broker that it has not.
func (s Series) remains(failure string) bool {
	return !slices.ContainsFunc(s.Workloads, func(name string) bool { return strings.HasPrefix(failure, name+" on ") }) &&
		!slices.ContainsFunc(s.Columns, func(broker string) bool { return strings.HasPrefix(failure, broker+" ") })
}

// with is a series with the figures and verdicts of a later one in place of its own.
func (s Series) with(later Series) Series {
	figures := slices.Clone(s.Figures)
	for _, f := range later.Figures {
		at := slices.IndexFunc(figures, f.is)
		if at < 0 {
			figures = append(figures, f)
		} else {
			figures[at] = f.over(figures[at])
		}
	}
	s.Figures, s.Goals = figures, judged(s.Goals, later)
	for _, column := range later.Columns {
		if !slices.Contains(s.Columns, column) {
			s.Columns = append(slices.Clip(s.Columns), column)
		}
	}
	s.Notes = slices.Concat(s.Notes, later.Notes)
	for _, name := range later.Workloads {
		if !slices.Contains(s.Workloads, name) {
			s.Workloads = append(slices.Clip(s.Workloads), name)
		}
	}
	failures := slices.DeleteFunc(slices.Clone(s.Failures), func(f string) bool { return !later.remains(f) })
	s.Failures = append(failures, later.Failures...)
	s.Rounds = slices.Concat(s.Rounds, later.Rounds)
	return s
}

// judged are the verdicts of a series and of a later one. One that says that nothing was
// measured replaces none of a figure that the later series has nothing of.
func judged(earlier []Verdict, later Series) []Verdict {
	goals := slices.DeleteFunc(slices.Clone(earlier), func(v Verdict) bool {
		return slices.ContainsFunc(later.Figures, func(f Figure) bool { return f.Name == v.Row && f.Unit == v.Unit })
	})
	for _, v := range later.Goals {
		at := slices.IndexFunc(goals, v.same)
		switch {
		case at < 0:
			goals = append(goals, v)
		case v.Missing == "":
			goals[at] = v
		}
	}
	return goals
}
