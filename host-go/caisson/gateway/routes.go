package gateway

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"

	"github.com/yosida95/uritemplate/v3"
)

// routes say which server has a resource.
type routes struct {
	mu        sync.Mutex
	listed    map[string]*listedRoutes // by server
	linked    map[string]string        // URIs in results, with the server; the newest replace the oldest
	linkOrder []string
}

type listedRoutes struct {
	resources map[string]bool
	templates map[string]*uritemplate.Template // nil for one that no URI is compared with
}

// maxLinked bounds the URIs that are kept of results.
const maxLinked = 10_000

func newRoutes() *routes {
	return &routes{listed: map[string]*listedRoutes{}, linked: map[string]string{}}
}

// forget forgets the lists of a server.
func (r *routes) forget(server string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.listed, server)
}

// list keeps a list of a server.
func (r *routes) list(of *listing, server string, items []item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.listed[server]
	if known == nil {
		known = &listedRoutes{}
		r.listed[server] = known
	}
	if of == resourceList {
		known.resources = map[string]bool{}
		for _, one := range items {
			known.resources[one.name] = true
		}
		return
	}
	known.templates = map[string]*uritemplate.Template{}
	for _, one := range items {
		known.templates[one.name] = templateOf(one.name)
	}
}

// maxTemplate bounds a template that URIs are compared with, in bytes, and maxVariables what it has of expressions and
// variables. A server writes it, and a regular expression is made of it, which is larger, and must have no more than
// 1000 repetitions.
const maxTemplate, maxVariables = 8192, 100

// templateOf reads a template; nil for one that no URI is compared with.
func templateOf(text string) *uritemplate.Template {
	if len(text) > maxTemplate || strings.Count(text, "{")+strings.Count(text, ",") > maxVariables {
		return nil
	}
	template, err := uritemplate.New(text)
	if err != nil {
		return nil
	}
	return template
}

// find returns the first of the servers that lists a URI, has a template that it fits, or that is one, or linked to it.
// known is false when lists of some servers are not known.
func (r *routes) find(servers []string, uri string) (server string, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known = true
	for _, name := range servers {
		l := r.listed[name]
		if l == nil || l.resources == nil || l.templates == nil {
			known = false
		}
		if l != nil && l.resources[uri] {
			return name, known // One before it may have it too, once it is known.
		}
	}
	for _, name := range servers {
		l := r.listed[name]
		if l == nil {
			continue
		}
		if _, is := l.templates[uri]; is {
			return name, known
		}
		for _, template := range l.templates {
			if template != nil && template.Regexp().MatchString(uri) {
				return name, known
			}
		}
	}
	return r.linked[uri], known
}

// learn keeps the URIs of resources in a result.
func (r *routes) learn(server string, text json.RawMessage) {
	if !bytes.Contains(text, []byte(`"uri"`)) {
		return
	}
	type content struct {
		URI      string `json:"uri"`
		Resource struct {
			URI string `json:"uri"`
		} `json:"resource"`
	}
	var result struct {
		Content  []content `json:"content"`
		Messages []struct {
			Content content `json:"content"`
		} `json:"messages"`
		Contents []content `json:"contents"`
	}
	_ = json.Unmarshal(text, &result) // What does not fit is no link.
	for _, m := range result.Messages {
		result.Content = append(result.Content, m.Content)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range append(result.Content, result.Contents...) {
		for _, uri := range []string{c.URI, c.Resource.URI} {
			if uri == "" || len(uri) > 8192 {
				continue
			}
			if _, there := r.linked[uri]; !there {
				if len(r.linkOrder) >= maxLinked {
					delete(r.linked, r.linkOrder[0])
					r.linkOrder = r.linkOrder[1:]
				}
				r.linkOrder = append(r.linkOrder, uri)
				r.linked[uri] = server
			}
		}
	}
}
