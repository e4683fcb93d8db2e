package caisson

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/caisson-dev/caisson/host-go/internal/engine"
)

// pages iterates over the items of all pages of a list, fetching each page when it is needed. The
// params may be nil, or set the cursor to begin at. R is the type of a page.
func pages[R, T any](ctx context.Context, s *Session, op engine.Operation, params any, items func(*R) []*T) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		page := map[string]json.RawMessage{}
		text, err := marshalParams(params)
		if err == nil {
			err = json.Unmarshal([]byte(text), &page)
		}
		if err != nil {
			yield(nil, &Error{Code: CodeInvalidArgument, Server: s.name, Step: op.Method, Message: err.Error(), Err: err})
			return
		}
		seen := map[string]bool{string(page["cursor"]): true}
		for {
			result, next, err := fetchPage[R](ctx, s, op, page)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, item := range items(result) {
				if !yield(item, nil) {
					return
				}
			}
			// In the older revisions servers mean the end by an empty cursor.
			if next == nil || *next == "" && s.ProtocolVersion() < firstOfTheNewEra {
				return
			}
			cursor, _ := json.Marshal(*next) // A text always marshals.
			if seen[string(cursor)] {
				yield(nil, &Error{Code: CodeProtocol, Server: s.name, Step: op.Method, Message: "the server's pages have no end: a cursor came twice"})
				return
			}
			seen[string(cursor)] = true
			page["cursor"] = cursor
		}
	}
}

// fetchPage fetches one page, and the cursor of the next one, which the types of the Go SDK cannot tell
// from none when it is empty.
func fetchPage[R any](ctx context.Context, s *Session, op engine.Operation, params any) (*R, *string, error) {
	raw, err := s.call(ctx, op, params)
	if err != nil {
		return nil, nil, err
	}
	result, err := decodeAs[R](s, op, raw)
	if err != nil {
		return nil, nil, err
	}
	var more struct {
		NextCursor *string `json:"nextCursor"`
	}
	if err := json.Unmarshal(raw, &more); err != nil {
		return nil, nil, &Error{Code: CodeProtocol, Server: s.name, Step: op.Method, Message: "the cursor is no text", Err: err}
	}
	return result, more.NextCursor, nil
}
