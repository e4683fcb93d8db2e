package codecache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/tetratelabs/wazero"
)

const (
	stagePrefix = "component-stage-"
	// leftOver is the age at which an unfinished file or folder counts as left behind, unless a process has
	// locked it.
	leftOver = time.Hour
)

// A stage is the private folder in which the core runtime has its own cache. The process locks its stage as
// long as it lives. The next process removes the stages of processes that have ended.
type stage struct {
	dir  string
	made fs.FileInfo // the folder that this process made, to tell it from another of the same name
	code string      // the folder of the core runtime's files
	lock *lock
	core wazero.CompilationCache
}

// newStage makes a stage in the folder of the cache. It makes the stage among the temporary files when this
// process cannot write to that folder.
func newStage(dir string) (s *stage, err error) {
	s = &stage{}
	if s.dir, err = os.MkdirTemp(dir, stagePrefix); err != nil {
		if wrong := trusted(os.TempDir()); wrong != nil {
			return nil, errors.Join(err, wrong)
		}
		if s.dir, err = os.MkdirTemp("", stagePrefix); err != nil {
			return nil, err
		}
	}
	if s.made, err = os.Lstat(s.dir); err == nil {
		s.core, err = wazero.NewCompilationCacheWithDir(s.dir)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	folders, err := os.ReadDir(s.dir)
	if err != nil || len(folders) != 1 {
		return nil, errors.Join(errors.New("the core runtime's folder is not there"), err, os.RemoveAll(s.dir))
	}
	s.code = filepath.Join(s.dir, folders[0].Name())
	s.lock = lockFolder(s.dir)
	return s, nil
}

// ready makes the stage anew when a cleaner of temporary files has removed it. It fails when another folder
// is in the stage's place: code in that folder is not the cache's. When ready cannot make the stage, the
// cache stages nothing, which costs only time.
func (s *stage) ready() error {
	now, err := os.Lstat(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.Mkdir(s.dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil
		}
		if err == nil {
			s.lock.release()
			s.lock = lockFolder(s.dir)
			s.made, err = os.Lstat(s.dir)
			now = s.made
		}
	}
	if err != nil || !os.SameFile(now, s.made) {
		return fmt.Errorf("component: %s is another folder than the one that was made: it may be another user's", s.dir)
	}
	_ = os.Mkdir(s.code, 0o700)
	return nil
}

// files are the names of the core runtime's files.
func (s *stage) files() (names []string) {
	files, _ := os.ReadDir(s.code)
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}

// clear removes the core runtime's files: the stage has none but while a module is compiled.
func (s *stage) clear() {
	for _, name := range s.files() {
		_ = os.Remove(filepath.Join(s.code, name))
	}
}

func (s *stage) close() error {
	s.lock.release()
	return os.RemoveAll(s.dir)
}

// sweep removes what killed processes have left behind.
func (c *Cache) sweep() {
	stages, _ := filepath.Glob(filepath.Join(c.dir, stagePrefix+"*"))
	temporary, _ := filepath.Glob(filepath.Join(os.TempDir(), stagePrefix+"*"))
	entries, _ := filepath.Glob(filepath.Join(c.dir, anyFolder, "*"+tempSuffix))
	for _, path := range slices.Concat(stages, temporary, entries) {
		info, err := os.Lstat(path)
		if err != nil || time.Since(info.ModTime()) <= leftOver || !own(info) {
			continue
		}
		if info.IsDir() && locked(path) {
			continue
		}
		_ = os.RemoveAll(path)
	}
}
