package main

import (
	"errors"
	"strconv"
	"strings"
)

// shown returns a word of the command line for an error message. Of a word that may be a URL it returns the
// beginning, up to the host: the rest is often a secret, and standard error often ends in a log.
func shown(word string) string {
	if strings.Contains(word, "@") { // The beginning may be a user's name and password.
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

// shownFlag returns the error about a flag, without the flag's value.
func shownFlag(err error) error {
	message := err.Error()
	var number *strconv.NumError
	if errors.As(err, &number) {
		return errors.New(strings.TrimSuffix(message, number.Error()) + "it is not a whole number that can be used here")
	}
	for begin, end := range map[string]string{"unknown shorthand flag: ": " in -", "bad flag syntax: ": "="} {
		if before, _, ok := strings.Cut(message, end); ok && strings.HasPrefix(message, begin) {
			return errors.New(before)
		}
	}
	return err
}
