package main

import (
	"context"
	"fmt"
	"time"

	"connectrpc.com/connect"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
)

// scripts is a daemon at random.
func (p *program) scripts() caissonv1connect.ScriptServiceClient {
	return caissonv1connect.NewScriptServiceClient(p.http, "http://"+p.machine.node(p.anyNode()).address)
}

// run submits a run through daemons at random until one has taken it, submits it again, and watches it to its end, whatever
// becomes of the daemons meanwhile. What was taken must end, and be one run.
func (p *program) run(key string) {
	began := time.Now()
	left := func() time.Duration { return p.machine.options.runs.deadline - time.Since(began) }
	id := ""
	for id == "" {
		if left() <= 0 {
			return // It is not known to have been taken.
		}
		id = p.submit(key)
	}
	if again := p.submit(key); again != "" && again != id {
		p.wrongly(fmt.Sprintf("one key has made the runs %s and %s", id, again))
	}
	for {
		ended, code := p.watch(id, left())
		switch {
		case ended != nil:
			p.ended(ended, time.Since(began))
			return
		case code == caissonv1.Code_CODE_INVALID_ARGUMENT:
			p.wrongly(fmt.Sprintf("the run %s was taken, and is not found", id))
			return
		case left() <= 0:
			p.wrongly(fmt.Sprintf("the run %s was taken, and has not ended after %v", id, p.machine.options.runs.deadline))
			return
		}
	}
}

// submit gives the id of a run; "" where it is not known whether it was taken.
func (p *program) submit(key string) (id string) {
	_, _ = did(p, submitting, false, p.machine.options.slow, func(ctx context.Context) (*connect.Response[caissonv1.SubmitRunResponse], error) {
		r, err := p.scripts().SubmitRun(ctx, connect.NewRequest(&caissonv1.SubmitRunRequest{IdempotencyKey: key, Script: script(key)}))
		if err == nil {
			id = r.Msg.GetRun().GetId()
		}
		return r, err
	})
	return id
}

// watch waits for the end of a run; nil where the stream has ended before.
func (p *program) watch(id string, within time.Duration) (ended *caissonv1.Run, code caissonv1.Code) {
	code, _ = did(p, watching, false, max(within, 0), func(ctx context.Context) (*caissonv1.Run, error) {
		stream, err := p.scripts().WatchRun(ctx, connect.NewRequest(&caissonv1.WatchRunRequest{Id: id}))
		if err != nil {
			return nil, err
		}
		defer stream.Close()
		for stream.Receive() {
			if run := stream.Msg().GetRun(); run.GetEnded() != nil {
				ended = run
			}
		}
		return ended, stream.Err()
	})
	return ended, code
}

// ended notes how a run has ended.
func (p *program) ended(run *caissonv1.Run, took time.Duration) {
	outcome := done
	if failure := run.GetErrorDetail(); failure != nil {
		outcome = failure.GetCode().String()[len("CODE_"):]
	} else {
		p.said(run.GetOutcome())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if run.GetErrorDetail() != nil && run.GetErrorDetail().GetCode() == caissonv1.Code_CODE_UNSPECIFIED {
		p.untyped = append(p.untyped, fmt.Sprintf("a run has ended with %v", run))
	}
	p.now().add(submitted, outcome, false, took)
}

// wrongly notes what must not be.
func (p *program) wrongly(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wrong = append(p.wrong, what)
}
