package caisson_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync/atomic"

	"golang.org/x/net/html"
)

// A browsingPerson is a person with a browser and an account at every authorization server of the tests.
type browsingPerson struct{ visits atomic.Int32 }

// visit opens a URL, logs in where a page asks for that, and agrees to what pages ask. It ends at a page
// without a form.
func (p *browsingPerson) visit(ctx context.Context, address string) error {
	p.visits.Add(1)
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	browser := &http.Client{Jar: jar, Timeout: patience}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	for range 10 {
		if err != nil {
			return err
		}
		var form *http.Request
		if form, err = open(browser, request); err == nil && form == nil {
			return nil
		}
		request = form
	}
	return errors.New("there is one form after the other")
}

// open gets a page, and gives the request that its form makes once it is filled in; nil where it has none.
func open(browser *http.Client, request *http.Request) (*http.Request, error) {
	response, err := browser.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	page, err := html.Parse(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s %s: %s: %s", request.Method, response.Request.URL.Path, response.Status, words(page))
	}
	for node := range page.Descendants() {
		if node.Data == "form" {
			return fill(request.Context(), response.Request.URL, node)
		}
	}
	return nil, nil
}

// fill fills a form in, with the first of its buttons.
func fill(ctx context.Context, at *url.URL, form *html.Node) (*http.Request, error) {
	values, pressed := url.Values{}, false
	for node := range form.Descendants() {
		name, value := attribute(node, "name"), attribute(node, "value")
		switch {
		case node.Data == "button" && pressed, node.Data != "button" && node.Data != "input", name == "":
			continue
		case node.Data == "button":
			pressed = true
		case name == "username" || name == "login":
			value = "test-user@127.0.0.1"
		case name == "password":
			value = "verysecure"
		}
		values.Set(name, value)
	}
	to, err := at.Parse(attribute(form, "action"))
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), strings.NewReader(values.Encode()))
	if err == nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return request, err
}

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// words are what a page says.
func words(page *html.Node) string {
	var text strings.Builder
	for node := range page.Descendants() {
		if node.Type == html.TextNode && node.Parent.Data != "style" && node.Parent.Data != "script" {
			text.WriteString(node.Data + " ")
		}
	}
	return strings.Join(strings.Fields(text.String()), " ")
}
