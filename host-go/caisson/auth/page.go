package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// A page is what a person sees in the browser at the end of a login: plain text.
type page struct {
	title string
	lines []string
}

// The pages that are always the same.
var (
	pageGranted  = page{"Done", []string{"You can close this tab and go back to the program.", "The program now asks the server for access, and says how that went."}}
	pageTwice    = page{"Already done", []string{"The program has taken this login before. You can close this tab."}}
	pageForeign  = page{"Not this login", []string{"This page is not part of the login that the program waits for, and nothing has happened.", "You can close this tab. Go on in the one that the program opened, or begin again in the program."}}
	pageBroken   = page{"Incomplete", []string{"The authorization server sent neither one code nor one error. The program still waits.", "You can close this tab. Log in again from the address that the program gave you."}}
	pageNotFound = page{"Not found", []string{"There is nothing here. You can close this tab."}}
)

// pageOf is the page for a callback.
func pageOf(values url.Values) page {
	code := values.Get("error")
	if code == "" {
		return pageGranted
	}
	said := "The authorization server refused: " + shown(code)
	if description := values.Get("error_description"); description != "" {
		said += ": " + shown(description)
	}
	return page{"Not logged in", []string{said, "You can close this tab and go back to the program."}}
}

// maxShown is how much of an authorization server's text a page shows, in characters.
const maxShown = 300

// shown makes a text one line without invisible characters.
func shown(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	if r := []rune(text); len(r) > maxShown {
		text = string(r[:maxShown]) + "…"
	}
	return text
}

const style = `body{font:1.1em/1.5 system-ui,sans-serif;max-width:34em;margin:15vh auto;padding:0 1em}`

// policy lets the page do nothing but look as it does.
var policy = func() string {
	hash := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// write sends the page, and returns when it is on its way.
func (p page) write(w http.ResponseWriter, status int) {
	var b strings.Builder
	title := html.EscapeString(p.title)
	fmt.Fprintf(&b, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>%s</title>\n<style>%s</style>\n<h1>%s</h1>\n", title, style, title)
	for _, line := range p.lines {
		fmt.Fprintf(&b, "<p>%s</p>\n", html.EscapeString(line))
	}

	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len())) // With it, the page is whole once it is flushed.
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer") // The page's URL has the code.
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	w.WriteHeader(status)
	// Whether a person sees it changes nothing.
	_, _ = w.Write([]byte(b.String()))
	_ = http.NewResponseController(w).Flush()
}
