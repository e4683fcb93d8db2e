package main

import "strings"

// A TokenResult is a call with a token of an authorization and one with a header, over one transport: the
// medians, and the median of the rounds of their ratio.
type TokenResult struct {
	Transport            string
	Token, Header, Ratio float64
	rounds               [3][]float64
}

// measureToken runs the Go benchmark in which the two take turns, once a round.
func (b *bench) measureToken(results *Results) error {
	for round := range b.rounds {
		b.say("a token, round %d of %d", round+1, b.rounds)
		out, err := b.benchmark("BenchmarkToken", "./caisson")
		if err != nil {
			return err
		}
		results.Tokens = addTokens(results.Tokens, out)
	}
	for i := range results.Tokens {
		t := &results.Tokens[i]
		t.Token, t.Header, t.Ratio = median(t.rounds[0]), median(t.rounds[1]), median(t.rounds[2])
	}
	return nil
}

// addTokens adds what one round has printed.
func addTokens(all []TokenResult, out string) []TokenResult {
	for name, values := range benchmarkResults(out, "BenchmarkToken/") {
		at := 0
		for at < len(all) && all[at].Transport != name {
			at++
		}
		if at == len(all) {
			all = append(all, TokenResult{Transport: name})
		}
		for i, value := range []float64{values["token-ns"] / 1e3, values["header-ns"] / 1e3, values["ratio"]} {
			all[at].rounds[i] = append(all[at].rounds[i], value)
		}
	}
	return all
}

func renderTokens(w *strings.Builder, tokens []TokenResult) {
	var rows [][]string
	for _, t := range tokens {
		rows = append(rows, []string{t.Transport, duration(t.Token), duration(t.Header), number(t.Ratio)})
	}
	grid(w, "A token", "A call with a fresh token of an authorization, and one with the same token in a configured header; the two take turns.", []string{"transport", "token", "header", "ratio"}, rows)
}
