package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// files notes which files a run reads, and as they were then, to find out that one has changed. A nil files notes
// nothing. It is safe for concurrent use.
type files struct {
	mu    sync.Mutex
	there map[string]fileState
}

// mostFiles bounds what is noted: a script in Python may read a large folder.
const mostFiles = 10_000

// A fileState is what changes with a file.
type fileState struct {
	exists   bool
	size     int64
	modified time.Time
	mode     fs.FileMode
}

func stateOf(path string) fileState {
	info, err := os.Stat(path)
	if err != nil {
		return fileState{}
	}
	return fileState{true, info.Size(), info.ModTime(), info.Mode()}
}

// add notes a file, before it is read. A file that is not there is noted too: it may come.
func (f *files) add(path string) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.there == nil {
		f.there = map[string]fileState{}
	}
	if _, known := f.there[path]; !known && len(f.there) < mostFiles {
		f.there[path] = stateOf(path)
	}
}

// changed returns a file that has changed since it was noted; "" when none has.
func (f *files) changed() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for path, was := range f.there {
		if stateOf(path) != was {
			return path
		}
	}
	return ""
}

// folder returns a folder whose files are noted when they are opened.
func (f *files) folder(path string, folder fs.FS) fs.FS {
	if f == nil {
		return folder
	}
	return notedFolder{f, path, folder}
}

type notedFolder struct {
	files  *files
	path   string
	folder fs.FS
}

// Open implements [fs.FS].
func (n notedFolder) Open(name string) (fs.File, error) {
	if fs.ValidPath(name) {
		n.files.add(filepath.Join(n.path, filepath.FromSlash(name)))
	}
	return n.folder.Open(name)
}
