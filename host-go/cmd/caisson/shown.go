package main

import (
	"errors"
	"strings"
)

// shown is a word of the command line, for a message that says what is wrong with it. Of a word that
// may be a URL it has the beginning, up to the host: what comes after that is often a secret, and what
// goes to standard error often ends in a log.
func shown(word string) string {
	if strings.Contains(word, "@") { // Then the beginning is a user's name and password.
		return "…"
	}
	begin := 0
	if i := strings.Index(word, "://"); i >= 0 {
		begin = i + len("://")
	}
	end := strings.IndexAny(word[begin:], "/?#:\\")
	if end < 0 {
		end = len(word) - begin
	}
	if end += begin; end > maxShownWord || end < len(word) {
		return strings.ToValidUTF8(word[:min(end, maxShownWord)], "") + "…"
	}
	return word
}

const maxShownWord = 64

// shownFlag is what is wrong with a flag, without the value that was given with it.
func shownFlag(err error) error {
	message := err.Error()
	for begin, end := range map[string]string{"unknown shorthand flag: ": " in -", "bad flag syntax: ": "="} {
		if before, _, ok := strings.Cut(message, end); ok && strings.HasPrefix(message, begin) {
			return errors.New(before)
		}
	}
	return err
}
