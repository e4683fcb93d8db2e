package main

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// clocked is the example's storage, with a clock that can be moved: a token ends earlier by as much as the
// clock was moved since the token was given.
type clocked struct {
	*storage.Storage

	mu     sync.Mutex
	ahead  int64            // seconds
	issued map[string]int64 // how far ahead the clock was, by the id of a token
}

// advance moves the clock forward by the seconds in the query.
func (c *clocked) advance(w http.ResponseWriter, r *http.Request) {
	seconds, err := strconv.ParseInt(r.URL.Query().Get("seconds"), 10, 64)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += seconds
	w.WriteHeader(http.StatusNoContent)
}

func (c *clocked) CreateAccessAndRefreshTokens(ctx context.Context, request op.TokenRequest, current string) (id, refresh string, expiry time.Time, err error) {
	id, refresh, expiry, err = c.Storage.CreateAccessAndRefreshTokens(ctx, request, current)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.issued[id] = c.ahead
	return id, refresh, expiry, err
}

func (c *clocked) SetIntrospectionFromToken(ctx context.Context, response *oidc.IntrospectionResponse, id, subject, client string) error {
	err := c.Storage.SetIntrospectionFromToken(ctx, response, id, subject, client)
	c.mu.Lock()
	defer c.mu.Unlock()
	response.Expiration -= oidc.Time(c.ahead - c.issued[id])
	return err
}
