package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// An action is what programs do.
type action string

// The actions.
const (
	connecting    action = "connect"
	calling       action = "call"
	running       action = "script"
	submitting    action = "submit"
	watching      action = "watch"
	submitted     action = "run" // from its submission to its end
	disconnecting action = "disconnect"
)

// done is the outcome of what has succeeded.
const done = "ok"

// seen is what was seen in a phase.
type seen struct {
	name            string
	began           time.Time
	took            time.Duration
	outcomes        map[action]map[string]int
	times           map[action][]time.Duration // of what has succeeded
	home, elsewhere []time.Duration            // of calls that have
	inScripts       [2]int                     // calls of scripts that have succeeded, and failed
}

func (s *seen) add(what action, outcome string, elsewhere bool, took time.Duration) {
	if s.outcomes[what] == nil {
		s.outcomes[what] = map[string]int{}
	}
	s.outcomes[what][outcome]++
	if outcome != done {
		return
	}
	s.times[what] = append(s.times[what], took)
	if what == calling && elsewhere {
		s.elsewhere = append(s.elsewhere, took)
	} else if what == calling {
		s.home = append(s.home, took)
	}
}

// now is the phase that is. With l.mu held.
func (l *load) now() *seen { return l.phases[len(l.phases)-1] }

// phase begins a phase. One without a name is the end.
func (l *load) phase(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.phases) > 0 {
		l.now().took = time.Since(l.now().began)
	}
	if name != "" {
		l.phases = append(l.phases, &seen{name: name, began: time.Now(), outcomes: map[action]map[string]int{}, times: map[action][]time.Duration{}})
	}
}

// mostErrors is how many kinds of errors a report has.
const mostErrors = 40

// report says what was seen, as tables, and fails when something was that must not be.
func (l *load) report(to io.Writer) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	outcomes := [][]string{{"phase", "took", "what", "ok", "not", "p50", "p99"}}
	calls := [][]string{{"phase", "calls at home", "p50", "p99", "calls through another daemon", "p50", "p99", "in scripts", "not"}}
	for _, s := range l.phases {
		name, took := s.name, s.took.Round(100*time.Millisecond).String()
		for _, what := range []action{connecting, calling, running, submitting, watching, submitted, disconnecting} {
			var not []string
			for _, outcome := range slices.Sorted(maps.Keys(s.outcomes[what])) {
				if outcome != done {
					not = append(not, fmt.Sprintf("%d %s", s.outcomes[what][outcome], outcome))
				}
			}
			outcomes = append(outcomes, []string{name, took, string(what), fmt.Sprint(s.outcomes[what][done]), strings.Join(not, ", "), percentile(s.times[what], 50), percentile(s.times[what], 99)})
			name, took = "", ""
		}
		calls = append(calls, []string{
			s.name, fmt.Sprint(len(s.home)), percentile(s.home, 50), percentile(s.home, 99),
			fmt.Sprint(len(s.elsewhere)), percentile(s.elsewhere, 50), percentile(s.elsewhere, 99), fmt.Sprint(s.inScripts[0]), fmt.Sprint(s.inScripts[1]),
		})
	}
	effects, twice := l.machine.effects.counts()
	lost := 0
	for key := range l.acknowledged {
		if effects[key] == 0 {
			lost++
		}
	}
	totals := [][]string{
		{"in all", ""},
		{"sessions connected", fmt.Sprint(l.connected.Load())},
		{"open at once, by daemon, at most", strings.Trim(fmt.Sprint(l.most), "[]")},
		{"things done", fmt.Sprint(len(effects))},
		{"acknowledged", fmt.Sprint(len(l.acknowledged))},
		{"acknowledged and lost", fmt.Sprint(lost)},
		{"done twice", fmt.Sprint(twice)},
		{"errors without a code", fmt.Sprint(len(l.untyped))},
		{"beyond their deadline", fmt.Sprint(len(l.late))},
		{"submitted runs lost, made twice, or without an end", fmt.Sprint(len(l.wrong))},
	}
	for i, peak := range l.machine.peaks() {
		totals = append(totals, []string{fmt.Sprintf("memory of daemon %d at the ends of phases, at most (Pss)", i), peak})
	}
	texts := [][]string{{"errors", "the most frequent ones"}}
	for _, text := range slices.SortedFunc(maps.Keys(l.errors), func(a, b string) int { return cmp.Or(cmp.Compare(l.errors[b], l.errors[a]), cmp.Compare(a, b)) })[:min(mostErrors, len(l.errors))] {
		texts = append(texts, []string{fmt.Sprint(l.errors[text]), text})
	}
	for _, rows := range [][][]string{outcomes, calls, texts, totals} {
		table(to, rows)
	}
	bad := slices.Concat(l.untyped, l.late, l.wrong, l.phases[0].spoilt())
	if lost+twice+len(bad) > 0 {
		return fmt.Errorf("that must not be: %q", bad[:min(5, len(bad))])
	}
	if len(l.acknowledged) == 0 {
		return errors.New("no call was acknowledged")
	}
	return nil
}

// spoilt are the failures of a phase in which there was no reason for any, but that the machine had much else to do.
func (s *seen) spoilt() (all []string) {
	for what, outcomes := range s.outcomes {
		for outcome, n := range outcomes {
			if outcome != done && outcome != "deadline" {
				all = append(all, fmt.Sprintf("%s: %d %s while nothing was killed", what, n, outcome))
			}
		}
	}
	if s.inScripts[1] > 0 {
		all = append(all, fmt.Sprintf("%d calls of scripts failed while nothing was killed", s.inScripts[1]))
	}
	return all
}

// table writes a table in Markdown. The first row is the heading.
func table(to io.Writer, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell))
		}
	}
	fmt.Fprintln(to)
	for n, row := range rows {
		for i, cell := range row {
			fmt.Fprintf(to, "| %-*s ", widths[i], cell)
		}
		fmt.Fprintln(to, "|")
		if n == 0 {
			for _, width := range widths {
				fmt.Fprintf(to, "|%s", strings.Repeat("-", width+2))
			}
			fmt.Fprintln(to, "|")
		}
	}
}

func percentile(all []time.Duration, of int) string {
	if len(all) == 0 {
		return "-"
	}
	all = slices.Sorted(slices.Values(all))
	return all[min(len(all)*of/100, len(all)-1)].Round(100 * time.Microsecond).String()
}
