package main

import (
	"fmt"
	"html"
	"math"
	"strings"

	"github.com/barnabas-mq/barnabas/compat-tests/bench/record"
)

// plot shows of a series how many times better the first column is than each other
// one: bars on a logarithmic axis, to the right of 1 when it is ahead.
type plot struct {
	title, file string
	columns     []string
	rows        []bars
}

// bars are those of one row, one for each column; 0 is none.
type bars struct {
	label string
	times []float64
}

// plotsOf makes a plot of every series that compares with others.
func plotsOf(run record.Run) (out []plot) {
	for _, s := range run.Series {
		if s.OfFirst || len(s.Columns) < 2 {
			continue
		}
		p := plot{title: s.Title, file: fileName(s.Title) + ".svg", columns: s.Columns[1:]}
		for _, f := range s.Figures {
			row := bars{label: f.Name + ", " + f.Unit}
			measured := false
			for _, column := range p.columns {
				times := s.Ratio(f, column)
				if f.Better == "lower" && times > 0 {
					times = 1 / times
				}
				measured = measured || times > 0
				row.times = append(row.times, times)
			}
			if measured {
				p.rows = append(p.rows, row)
			}
		}
		if len(p.rows) > 0 {
			out = append(out, p)
		}
	}
	return out
}

// fileName is the title up to what explains it, in small letters and hyphens.
func fileName(title string) string {
	title, _, _ = strings.Cut(title, "(")
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(words, "-")
}

// Sizes in pixels.
const (
	plotWidth  = 860
	labelWidth = 330
	barHeight  = 9
	rowGap     = 8
	topSpace   = 52
	rightSpace = 60
)

// colours of the columns, readable on white and on black.
var colours = []string{"#2f81f7", "#e3803a", "#3fa557", "#a06fd6", "#c94f6d"}

// svg draws the plot. Text and lines are of a grey that reads on light and on dark
// pages, and there is no background.
func (p plot) svg() string {
	rowHeight := len(p.columns)*barHeight + rowGap
	height := topSpace + len(p.rows)*rowHeight + 14
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="sans-serif" font-size="11" fill="#7d8590">`+"\n", plotWidth, height, plotWidth, height)
	fmt.Fprintf(&b, "<title>%s: how many times better</title>\n", html.EscapeString(p.title))
	for i, column := range p.columns {
		x := labelWidth + i*125
		fmt.Fprintf(&b, `<rect x="%d" y="8" width="10" height="10" fill="%s"/><text x="%d" y="17">than %s</text>`+"\n", x, colours[i%len(colours)], x+14, html.EscapeString(column))
	}
	low, high := p.decades()
	at := func(times float64) float64 {
		return labelWidth + (math.Log10(times)-low)/(high-low)*(plotWidth-labelWidth-rightSpace)
	}
	for d := low; d <= high; d++ {
		x, width := at(math.Pow(10, d)), 0.5
		if d == 0 {
			width = 1.5
		}
		fmt.Fprintf(&b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#7d8590" stroke-width="%.1f"/><text x="%.1f" y="%d" text-anchor="middle">%gx</text>`+"\n",
			x, x, topSpace-8, height-10, width, x, topSpace-12, math.Pow(10, d))
	}
	for i, row := range p.rows {
		y := topSpace + i*rowHeight
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", labelWidth-10, y+len(p.columns)*barHeight/2+4, html.EscapeString(row.label))
		for j, times := range row.times {
			if times == 0 {
				continue
			}
			from, to := min(at(1), at(times)), max(at(1), at(times))
			fmt.Fprintf(&b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/><text x="%.1f" y="%d" font-size="9">%s</text>`+"\n",
				from, y+j*barHeight, max(1, to-from), barHeight-1, colours[j%len(colours)], to+3, y+j*barHeight+8, record.Times(times))
		}
	}
	return b.String() + "</svg>\n"
}

// decades are the powers of ten that the axis spans, with 1 among them.
func (p plot) decades() (low, high float64) {
	low, high = 0, 1
	for _, row := range p.rows {
		for _, times := range row.times {
			if times > 0 {
				low, high = min(low, math.Floor(math.Log10(times))), max(high, math.Ceil(math.Log10(times)))
			}
		}
	}
	return low, high
}
