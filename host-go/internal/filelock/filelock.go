// Package filelock gives processes and goroutines their turn, by locks on files. The operating system
// releases a lock when the process that holds it ends, however it ends.
//
// Whoever waits stands in a queue of two: the first one waits for the lock, the others for the first place.
// So the one that has just released the lock cannot take it again before the first one had its turn.
//
// A lock leaves no file behind, except where its process was killed: such a file, which is empty, goes with
// the next use of the lock.
package filelock

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// No system has a wait for a lock that a context can end, so a waiter asks again and again.
const (
	shortestPause = time.Millisecond
	longestPause  = 100 * time.Millisecond
)

// firstPlace ends the name of the file that stands for the first place of the queue.
const firstPlace = ".next"

// Lock waits for the lock of a path, in a folder that is there, and gives what releases the lock, which may
// be called more than once. Two goroutines of one process exclude each other as two processes do. The error
// is the context's cause, or says why the file system has no lock.
func Lock(ctx context.Context, path string) (unlock func(), err error) {
	first, err := wait(ctx, path+firstPlace)
	if err != nil {
		return nil, err
	}
	defer first.release()
	held, err := wait(ctx, path)
	if err != nil {
		return nil, err
	}
	return sync.OnceFunc(held.release), nil
}

// wait tries until it has the lock, with pauses that grow.
func wait(ctx context.Context, path string) (*lock, error) {
	for pause := shortestPause; ; pause = min(2*pause, longestPause) {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if l, err := try(path); l != nil || err != nil {
			return l, err
		}
		// At random, lest those who began together meet each time.
		timer := time.NewTimer(pause/2 + rand.N(pause/2))
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		}
	}
}
