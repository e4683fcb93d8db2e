package caisson

import "iter"

// pages iterates over the items of all pages of a list, fetching each page when it is needed.
func pages[T any](s *Session, method, cursor string, fetch func(cursor string) ([]T, string, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		seen := map[string]bool{cursor: true}
		for next := cursor; ; {
			items, after, err := fetch(next)
			if err != nil {
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next = after; next == "" {
				return
			}
			if seen[next] {
				yield(none, &Error{Code: CodeProtocol, Server: s.name, Step: method, Message: "the server's pages have no end: a cursor came twice"})
				return
			}
			seen[next] = true
		}
	}
}
