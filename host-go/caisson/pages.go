package caisson

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/caisson-dev/caisson/host-go/internal/engine"
	"github.com/caisson-dev/caisson/host-go/internal/exact"
)

// Pages iterates over the untouched results of a list, one a page, and fetches each page when it is
// needed: of "tools/list", "resources/list" and their like (specification, "Pagination"). The params
// are anything that marshals to a JSON object, which may set the cursor to begin at; nil sends none.
//
// The first error ends the iteration, with a nil result. A cursor that the server has given before is an
// error ([CodeProtocol]). So is a list beyond [ClientOptions].MaxListPages or MaxListBytes ([CodeLimit]).
func (s *Session) Pages(ctx context.Context, method string, params any) iter.Seq2[json.RawMessage, error] {
	return s.pages(ctx, engine.Operation{Method: method}, params)
}

func (s *Session) pages(ctx context.Context, op engine.Operation, params any) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		if s.session == nil {
			yield(nil, errZero("Session", "Client.Connect"))
			return
		}
		page := map[string]json.RawMessage{}
		text, err := marshalParams(params)
		if err == nil {
			err = json.Unmarshal([]byte(text), &page)
		}
		if err != nil {
			yield(nil, &Error{Code: CodeInvalidArgument, Server: s.name, Step: op.Method, Message: err.Error(), Err: err})
			return
		}
		o := &s.client.options
		seen := map[[sha256.Size]byte]bool{sha256.Sum256(page["cursor"]): true} // A cursor may be large.
		left := o.MaxListBytes
		for range o.MaxListPages {
			result, next, err := s.fetchPage(ctx, op, page)
			if left -= int64(len(result)); left < 0 {
				err = s.listLimit(op, "bytes", o.MaxListBytes, "MaxListBytes")
			}
			if err != nil {
				yield(nil, err)
				return
			}
			// In the older revisions an empty cursor means the end.
			ended := next == nil || *next == "" && s.ProtocolVersion() < firstOfTheNewEra
			if !yield(result, nil) || ended {
				return
			}
			page["cursor"], _ = json.Marshal(*next) // A text always marshals.
			sum := sha256.Sum256(page["cursor"])
			if seen[sum] {
				yield(nil, &Error{Code: CodeProtocol, Server: s.name, Step: op.Method, Message: "the server's pages have no end: a cursor came twice"})
				return
			}
			seen[sum] = true
		}
		yield(nil, s.listLimit(op, "pages", int64(o.MaxListPages), "MaxListPages"))
	}
}

// fetchPage fetches one page, and the cursor of the next one. The cursor is a pointer because the Go SDK's
// types cannot tell an empty cursor from none.
func (s *Session) fetchPage(ctx context.Context, op engine.Operation, params any) (json.RawMessage, *string, error) {
	raw, err := s.call(ctx, op, params)
	if err != nil {
		return nil, nil, err
	}
	var more struct {
		NextCursor *string `json:"nextCursor"`
	}
	if err := exact.Unmarshal(raw, &more); err != nil {
		return nil, nil, &Error{Code: CodeProtocol, Server: s.name, Step: op.Method, Message: "the cursor is no text", Err: err}
	}
	return raw, more.NextCursor, nil
}

func (s *Session) listLimit(op engine.Operation, what string, limit int64, option string) error {
	return &Error{
		Code: CodeLimit, Server: s.name, Step: op.Method,
		Message: fmt.Sprintf("the list has more than %d %s; raise ClientOptions.%s if it is right", limit, what, option),
	}
}

// items iterates over the items of all pages of a list. R is the type of a page.
func items[R, T any](ctx context.Context, s *Session, op engine.Operation, params any, of func(*R) []*T) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		if s.session == nil {
			yield(nil, errZero("Session", "Client.Connect"))
			return
		}
		limit := s.client.options.MaxListItems
		left := limit
		for raw, err := range s.pages(ctx, op, params) {
			var page *R
			if err == nil {
				page, err = decodeAs[R](s, op, raw)
			}
			if err == nil {
				if left -= len(of(page)); left < 0 {
					err = s.listLimit(op, "items", int64(limit), "MaxListItems")
				}
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for _, item := range of(page) {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}
