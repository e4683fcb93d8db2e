package audit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/filelock"
)

// A Report says what is in a log whose chain is whole.
type Report struct {
	// Files and Records are how many there are.
	Files, Records int
	// First is the number of the first record that is kept. When it is not 1, older files were removed.
	First, Last uint64
	// Begin and End are the times of the first and the last record.
	Begin, End time.Time
	// Head is the hash of the last record. Who keeps it elsewhere can ask later, with the anchor of
	// [Verify], whether the log up to there is still the same.
	Head string
}

// A DamageError says where a log is not as it was written.
type DamageError struct {
	File    string
	Line    int
	Message string
}

// Error returns the file, the line and what is wrong.
func (e *DamageError) Error() string {
	return fmt.Sprintf("audit: %s:%d: %s", e.File, e.Line, e.Message)
}

// Verify reads a whole log, the rotated files first, and checks each hash and each number. It fails with a
// [*DamageError] where a record was changed, removed or put in. An anchor is the hash of a record that was
// kept elsewhere, and must be in the log; "" asks for none. Records that were cut off at the end show only
// by an anchor.
func Verify(path, anchor string) (*Report, error) {
	files, err := snapshot(path)
	if err != nil {
		return nil, err
	}
	defer closeAll(files)
	report := &Report{Files: len(files)}
	anchored := anchor == "" || anchor == zeroHash
	for r, err := range recordsOf(files) {
		if err != nil {
			return nil, err
		}
		if report.Records == 0 {
			report.First, report.Begin = r.Sequence, r.Time
		}
		report.Records++
		report.Last, report.End, report.Head = r.Sequence, r.Time, r.Hash
		anchored = anchored || r.Hash == anchor
	}
	if !anchored {
		return nil, fmt.Errorf("audit: no record of %s has the hash %.80s: its file was removed, or the log was cut off or written anew", path, anchor)
	}
	return report, nil
}

// files are the files of a log that are there, the oldest first.
func files(path string) []string {
	all := []string{path}
	for i := 1; ; i++ {
		if _, err := os.Stat(rotated(path, i)); err != nil {
			return all
		}
		all = append([]string{rotated(path, i)}, all...)
	}
}

// A logFile is a file of a log as it was when reading began.
type logFile struct {
	*os.File
	size int64
}

// snapshot opens the files of a log, the oldest first, while nobody writes: who writes on meanwhile, and rotates the
// files, changes nothing of what is read.
func snapshot(path string) (all []logFile, err error) {
	defer quiet(path)()
	for _, name := range files(path) {
		file, err := os.Open(name)
		if err != nil {
			closeAll(all)
			return nil, fmt.Errorf("audit: %w", err)
		}
		info, err := file.Stat()
		if err != nil {
			_ = file.Close()
			closeAll(all)
			return nil, fmt.Errorf("audit: %w", err)
		}
		all = append(all, logFile{file, info.Size()})
	}
	return all, nil
}

// quiet takes the lock of a log that is written to, and returns what gives it back. A copy of a log has none, and who
// may only read a log cannot take it.
func quiet(path string) (unlock func()) {
	none := func() {}
	if _, err := os.Stat(path + ".lock"); err != nil {
		return none
	}
	lock, err := filelock.OpenFile(path + ".lock")
	if err != nil {
		return none
	}
	ctx, cancel := context.WithTimeout(context.Background(), lockWait)
	defer cancel()
	_ = lock.Lock(ctx) // Without it a record may be read that is not whole yet.
	return func() { _ = lock.Close() }
}

func closeAll(files []logFile) {
	for _, file := range files {
		_ = file.Close()
	}
}

// Records iterates over the records that a log has when the iteration begins, the oldest first, and checks the chain. The
// first error ends it: a [*DamageError], or that a file cannot be read.
func Records(path string) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		files, err := snapshot(path)
		if err != nil {
			yield(nil, err)
			return
		}
		defer closeAll(files)
		recordsOf(files)(yield)
	}
}

func recordsOf(files []logFile) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		var last *Record
		for _, file := range files {
			if !records(file, &last, yield) {
				return
			}
		}
	}
}

// records iterates over one file, and returns false when the iteration is over.
func records(file logFile, last **Record, yield func(*Record, error) bool) bool {
	damage := func(line int, format string, args ...any) bool {
		yield(nil, &DamageError{File: file.Name(), Line: line, Message: fmt.Sprintf(format, args...)})
		return false
	}
	reader := bufio.NewReaderSize(io.NewSectionReader(file, 0, file.size), maxLine)
	for number := 1; ; number++ {
		line, err := reader.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0:
			return true
		case errors.Is(err, io.EOF):
			return damage(number, "the record has no end: a process ended while it wrote it, or it was cut off")
		case errors.Is(err, bufio.ErrBufferFull):
			return damage(number, "it is no record: it has more than %d bytes", maxLine)
		case err != nil:
			yield(nil, fmt.Errorf("audit: %w", err))
			return false
		}
		r, err := parseLine(line[:len(line)-1])
		if err != nil {
			return damage(number, "%v", err)
		}
		if *last != nil && (r.Previous != (*last).Hash || r.Sequence != (*last).Sequence+1) {
			return damage(number, "record %d does not follow record %d: records were removed, moved or put in", r.Sequence, (*last).Sequence)
		}
		if *last == nil && (r.Sequence == 1) != (r.Previous == zeroHash) {
			return damage(number, "record %d is not the first", r.Sequence)
		}
		*last = r
		if !yield(r, nil) {
			return false
		}
	}
}
