// Package audit writes what was decided about calls, and what became of them, into a log: a file with a JSON
// object in each line.
//
// Each record has the hash of the one before, so that a record that was changed, removed or put in later
// shows ([Verify]). That proves edits, and not completeness: whoever can write the file can cut off its end,
// or write all of it anew. Who keeps the hash of a record elsewhere ([Report.Head]) can prove that the log up
// to there is the one that was.
package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/filelock"
)

// Options say how a [Log] is kept. The zero value suits most programs.
type Options struct {
	// MaxBytes is the size at which a file is rotated. Default: 16 MiB.
	MaxBytes int64
	// Files is how many files are kept, the current one included: the older ones have .1, .2 and so on after
	// their name, and the oldest is removed. Default: 8.
	Files int
	// Sync waits, for each record, until the disk has it. Without it a record outlives the process, and not
	// the system. Default: false.
	Sync bool
}

const (
	defaultMaxBytes = 16 << 20
	defaultFiles    = 8
	// lockWait bounds the wait for other processes that write to the log.
	lockWait = 10 * time.Second
)

// A Log is open for writing. Several processes may write to the same log. It is safe for concurrent use.
type Log struct {
	path    string
	options Options

	mu     sync.Mutex
	locked *filelock.File
	file   *os.File
	end    int64 // the size of the file after the last record
	last   *Record
	closed bool
}

// Open opens a log, or makes it, in a file that is the user's alone.
func Open(path string, options *Options) (*Log, error) {
	l := &Log{path: path}
	if options != nil {
		l.options = *options
	}
	if l.options.MaxBytes <= 0 {
		l.options.MaxBytes = defaultMaxBytes
	}
	if l.options.Files <= 0 {
		l.options.Files = defaultFiles
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	if l.locked, err = filelock.OpenFile(path + ".lock"); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	unlock, err := l.lock()
	if err != nil {
		return nil, errors.Join(err, l.locked.Close())
	}
	defer unlock()
	if err := l.catchUp(); err != nil {
		return nil, errors.Join(err, l.drop(), l.locked.Close())
	}
	return l, nil
}

// Path is the path of the current file.
func (l *Log) Path() string { return l.path }

// Append writes a record. It sets the record's Sequence, Time, Previous and Hash, and bounds its texts. After
// an error the record is not in the log.
func (l *Log) Append(r *Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("audit: the log %s is closed", l.path)
	}
	unlock, err := l.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := l.catchUp(); err != nil {
		return errors.Join(err, l.drop())
	}
	return l.write(r)
}

// Close closes the file. It may be called more than once.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return errors.Join(l.drop(), l.locked.Close())
}

func (l *Log) drop() error {
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file, l.last = nil, nil
	return err
}

func (l *Log) lock() (func(), error) {
	ctx, cancel := context.WithTimeout(context.Background(), lockWait)
	defer cancel()
	if err := l.locked.Lock(ctx); err != nil {
		return nil, fmt.Errorf("audit: the log %s cannot be locked: %w", l.path, err)
	}
	return l.locked.Unlock, nil
}

// catchUp opens the current file where it is another one, and reads the last record where somebody else wrote
// it. It cuts off the piece of a record that a process left when it was killed.
func (l *Log) catchUp() error {
	known := l.last
	if l.file != nil {
		now, err := os.Stat(l.path)
		own, ownErr := l.file.Stat()
		if err == nil && ownErr == nil && os.SameFile(now, own) {
			if own.Size() == l.end {
				return nil
			}
		} else {
			_ = l.drop() // It was rotated.
		}
	}
	if l.file == nil {
		file, err := os.OpenFile(l.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return fmt.Errorf("audit: %w", err)
		}
		l.file = file
	}
	size, err := l.file.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	last, whole, err := lastRecord(l.file, size)
	if err != nil {
		return fmt.Errorf("audit: the last record of %s: %w: move the file away, and a new log begins", l.path, err)
	}
	if last == nil {
		if last, err = l.before(); err != nil {
			return err
		}
	}
	if known != nil && (last == nil || last.Sequence < known.Sequence) {
		last = known // Records were cut off. The next one does not follow what is left, and so that shows.
	}
	l.last, l.end = last, whole
	if whole == size {
		return nil
	}
	piece := make([]byte, min(size-whole, int64(len(lineBegin))))
	if _, err := l.file.ReadAt(piece, whole); err != nil && err != io.EOF {
		return fmt.Errorf("audit: %w", err)
	}
	if !strings.HasPrefix(lineBegin, string(piece)) {
		return fmt.Errorf("audit: %s ends with what is no record: it is left as it is; name another file", l.path)
	}
	if err := l.file.Truncate(whole); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return l.write(&Record{Event: Repair, Message: strconv.FormatInt(size-whole, 10) + " bytes of an unfinished record were cut off"})
}

// before returns the last record of the file that was rotated last; nil when there is none.
func (l *Log) before() (*Record, error) {
	file, err := os.Open(rotated(l.path, 1))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	defer file.Close()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	last, _, err := lastRecord(file, size)
	if err != nil {
		return nil, fmt.Errorf("audit: the last record of %s: %w", file.Name(), err)
	}
	return last, nil
}

// lastRecord reads the last record of a file, and says where it ends.
func lastRecord(file io.ReaderAt, size int64) (*Record, int64, error) {
	begin := max(size-2*maxLine, 0)
	tail := make([]byte, size-begin)
	if _, err := file.ReadAt(tail, begin); err != nil && err != io.EOF {
		return nil, 0, err
	}
	end := bytes.LastIndexByte(tail, '\n')
	if end < 0 {
		if begin > 0 {
			return nil, 0, errors.New("it has no end")
		}
		return nil, 0, nil
	}
	r, err := parseLine(tail[bytes.LastIndexByte(tail[:end], '\n')+1 : end])
	return r, begin + int64(end) + 1, err
}

func (l *Log) write(r *Record) error {
	r.Sequence, r.Previous, r.Time = 1, zeroHash, time.Now().UTC()
	if l.last != nil {
		r.Sequence, r.Previous = l.last.Sequence+1, l.last.Hash
	}
	line, err := r.line()
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	if l.end > 0 && l.end+int64(len(line)) > l.options.MaxBytes {
		if err := l.rotate(); err != nil {
			return err
		}
	}
	n, err := l.file.Write(line)
	if err == nil && l.options.Sync {
		err = l.file.Sync()
	}
	if err != nil {
		if n > 0 { // The disk may be full: what follows must not stand behind a piece.
			err = errors.Join(err, l.file.Truncate(l.end))
		}
		return fmt.Errorf("audit: the record cannot be written: %w", err)
	}
	l.end += int64(n)
	l.last = r
	return nil
}

// rotate begins a new file.
func (l *Log) rotate() error {
	last := l.last
	if err := l.drop(); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	if l.options.Files > 1 {
		for i := l.options.Files - 1; i > 0; i-- {
			from := l.path
			if i > 1 {
				from = rotated(l.path, i-1)
			}
			if err := os.Rename(from, rotated(l.path, i)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("audit: %w", err)
			}
		}
	} else if err := os.Remove(l.path); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	file, err := os.OpenFile(l.path, os.O_RDWR|os.O_CREATE|os.O_APPEND|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	l.file, l.end, l.last = file, 0, last
	return nil
}

func rotated(path string, i int) string { return path + "." + strconv.Itoa(i) }
