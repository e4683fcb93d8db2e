package component

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
)

// cache keeps compiled code, and what memories start with, in a folder that
// processes share. An entry is one file: it is written under another name and
// renamed, checked whole each time it is used, and thrown away when the check
// fails. The core runtime has a cache of its own, which checks less and writes
// in place; so it is given a private folder (stage), into which only entries
// come that were checked.
//
// Its methods do nothing on a nil cache.
type cache struct {
	dir    string // Config.CacheDir
	folder string // of the entries that this version of the core runtime understands
	limit  int64
	failed error // why nothing can be kept
	stage  *stage

	// compiling is held while a module is compiled, so that what is new in the
	// stage is that module's.
	compiling sync.Mutex
}

const (
	// folderPrefix begins the names of folders with entries, which end with the
	// core runtime's version and the platform. The number is that of the format.
	folderPrefix = "component-1-"
	codeSuffix   = ".code"
	memorySuffix = ".memory"
	// touchAfter is how old the mark of an entry's last use may get.
	touchAfter = 12 * time.Hour
)

// cacheEntry matches the names of entries: the hash of a module and the core
// runtime's name for its code, or the hash of a memory.
var cacheEntry = regexp.MustCompile(`^[0-9a-f]{64}(-[0-9a-f]{64}\.code|\.memory)$`)

// openCache opens the cache in a folder, and makes it where it is not there. A
// folder that cannot be written to is read. One that another user could have
// put code into is an error.
func openCache(dir string, limit int64) (c *cache, err error) {
	defer func() { err = withRemedy(err) }()
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	c = &cache{dir: dir, limit: limit}
	if err := trusted(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if c.stage, err = newStage(dir); err != nil {
		return nil, err
	}
	c.folder = filepath.Join(dir, folderPrefix+filepath.Base(c.stage.code))
	if err := os.Mkdir(c.folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		c.failed = err
	}
	// Now that all of it is there.
	if err := trusted(c.folder); err != nil {
		return nil, errors.Join(err, c.close())
	}
	if c.failed == nil {
		c.failed = c.tryToKeep()
	}
	c.failed = withRemedy(c.failed)
	c.sweep()
	return c, nil
}

// withRemedy says what to do where this user may not do what he has to.
func withRemedy(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		err = fmt.Errorf("%w: give the folder to this user, or choose another one", err)
	}
	return err
}

// tryToKeep returns why no entry can be made in the folder.
func (c *cache) tryToKeep() error {
	w, err := c.create("try")
	if err != nil {
		return err
	}
	_ = w.finish(errNotKept)
	return nil
}

var errNotKept = errors.New("not kept")

// entries lists the entries whose names begin so.
func (c *cache) entries(prefix string) (names []string) {
	files, err := os.ReadDir(c.folder)
	if err != nil {
		return nil
	}
	for _, f := range files {
		if strings.HasPrefix(f.Name(), prefix) && cacheEntry.MatchString(f.Name()) {
			names = append(names, f.Name())
		}
	}
	return names
}

func codeHash(module []byte) string {
	sum := sha256.Sum256(module)
	return hex.EncodeToString(sum[:])
}

// has says whether there is code for the module with a hash. It may turn out to
// be for other processors, or damaged.
func (c *cache) has(hash string) bool {
	return c != nil && len(c.entries(hash+"-")) > 0
}

// whole says whether there is code for the module with a hash that is whole.
func (c *cache) whole(hash string) bool {
	for _, name := range c.entries(hash + "-") {
		if r := c.read(name); r != nil && r.whole() {
			return true
		}
	}
	return false
}

// compile compiles the module with a hash, with the code of the cache where it
// is there, and keeps the code otherwise.
func (c *cache) compile(hash string, compile func() (wazero.CompiledModule, error)) (wazero.CompiledModule, error) {
	if c == nil {
		return compile()
	}
	c.compiling.Lock()
	defer c.compiling.Unlock()
	if err := c.stage.ready(); err != nil {
		return nil, err
	}
	staged := map[string]fs.FileInfo{}
	for _, name := range c.entries(hash + "-") {
		at := filepath.Join(c.stage.code, strings.TrimSuffix(name[len(hash)+1:], codeSuffix))
		if c.place(name, at) {
			if info, err := os.Lstat(at); err == nil {
				staged[at] = info
			}
		}
	}
	code, err := compile()
	if err != nil {
		// When it is the stage that cannot be written to, the core runtime has the
		// code all the same, and gives it when it is asked again.
		if code, err = compile(); err != nil {
			return nil, err
		}
	}
	files, _ := os.ReadDir(c.stage.code)
	for _, f := range files {
		path := filepath.Join(c.stage.code, f.Name())
		if info, err := f.Info(); err == nil && (staged[path] == nil || !os.SameFile(info, staged[path])) {
			c.keep(path, hash+"-"+f.Name()+codeSuffix)
		}
		_ = os.Remove(path)
	}
	return code, nil
}

// place puts an entry that is whole into the stage. It is linked before it is
// checked: what has its name in the folder may be another file by then.
func (c *cache) place(name, to string) bool {
	if os.Link(filepath.Join(c.folder, name), to) == nil {
		if r := c.readAt(to, name); r != nil && r.whole() {
			return true
		}
		_ = os.Remove(to)
		_ = os.Remove(filepath.Join(c.folder, name))
		return false
	}
	r := c.read(name)
	if r == nil {
		return false
	}
	defer r.Close()
	f, err := os.Create(to)
	if err == nil {
		_, err = io.Copy(f, r)
		if err = errors.Join(err, f.Close()); err != nil {
			_ = os.Remove(to)
		}
	}
	return err == nil
}

// keep makes an entry of a file. A cache that cannot be written to stays as it
// is: that costs time alone.
func (c *cache) keep(path, name string) {
	in, err := os.Open(path)
	if err != nil {
		return
	}
	defer in.Close()
	w, err := c.create(name)
	if err != nil {
		return
	}
	_, err = io.Copy(w, in)
	_ = w.finish(err)
	c.evict()
}

// load has use read what memories start with: from the cache, or from elsewhere
// and into the cache. It may be called again, to begin anew, when what it has
// read turns out to be damaged.
func (c *cache) load(hash string, from func() (io.ReadCloser, error), use func(io.Reader) error) error {
	direct := func() error {
		r, err := from()
		if err != nil {
			return err
		}
		return errors.Join(use(r), r.Close())
	}
	if c == nil {
		return direct()
	}
	name := hash + memorySuffix
	for range 2 {
		if r := c.read(name); r != nil {
			err := use(r)
			_ = r.Close()
			if !errors.Is(err, errDamaged) {
				return err
			}
		}
		if !c.copyFrom(name, from) {
			break
		}
	}
	return direct()
}

// copyFrom makes an entry of what from reads.
func (c *cache) copyFrom(name string, from func() (io.ReadCloser, error)) bool {
	w, err := c.create(name)
	if err != nil {
		return false
	}
	in, err := from()
	if err == nil {
		_, err = io.Copy(w, in)
		err = errors.Join(err, in.Close())
	}
	if w.finish(err) != nil {
		return false
	}
	c.evict()
	return true
}

// evict removes the entries that were not used for longest, while there are
// more bytes than the limit: those of other versions too.
func (c *cache) evict() {
	type entry struct {
		path string
		fs.FileInfo
	}
	var all []entry
	var total int64
	paths, _ := filepath.Glob(filepath.Join(c.dir, folderPrefix+"*", "*"))
	for _, path := range paths {
		info, err := os.Lstat(path)
		if err == nil && info.Mode().IsRegular() && cacheEntry.MatchString(info.Name()) {
			all = append(all, entry{path, info})
			total += info.Size()
		}
	}
	slices.SortFunc(all, func(a, b entry) int { return a.ModTime().Compare(b.ModTime()) })
	for _, e := range all {
		if total <= c.limit {
			return
		}
		if os.Remove(e.path) == nil {
			total -= e.Size()
		}
	}
}

func (c *cache) close() error {
	if c == nil {
		return nil
	}
	return c.stage.close()
}
