package main

import (
	"context"
	"crypto/rand"

	"github.com/caisson-dev/caisson/host-go/bench/internal/scripting"
	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
	"github.com/caisson-dev/caisson/host-go/caisson"
)

// Start starts a run that sleeps, with claims in files, as a program has them.
func (e engine) Start(ctx context.Context, source wire.Source) (scripting.Asleep, error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // It never fails.
	claims, err := caisson.NewFileClaims(e.claims)
	if err != nil {
		return nil, err
	}
	client, err := e.runtime.NewClient(&caisson.ClientOptions{Sleeping: caisson.Sleeping{SleepKey: key, SleepClaims: claims}})
	if err != nil {
		return nil, err
	}
	s := &sleeping{client: client, tools: e.tools}
	s.run, err = client.StartScript(ctx, caisson.Script{Language: languages[source.Language], Source: source.Text, Tools: e.tools, Limits: limits})
	return s, err
}

type sleeping struct {
	client *caisson.Client
	tools  *caisson.ToolSet
	run    *caisson.Run
	bytes  []byte
}

func (s *sleeping) Sleep(ctx context.Context) (n int, err error) {
	s.bytes, err = s.run.Sleep(ctx)
	return len(s.bytes), err
}

func (s *sleeping) Wake(ctx context.Context) (err error) {
	s.run, err = s.client.Wake(ctx, s.bytes, caisson.Waking{Tools: s.tools})
	return err
}

func (s *sleeping) Wait() ([]byte, error) {
	defer s.client.Close()
	result, err := s.run.Wait()
	if err != nil {
		return nil, err
	}
	return result.Value, nil
}
