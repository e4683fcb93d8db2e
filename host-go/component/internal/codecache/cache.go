package codecache

import (
	"bytes"
	"context"
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
	"github.com/tetratelabs/wazero/experimental"

	"github.com/caisson-dev/caisson/host-go/component/internal/wasm"
)

// Cache keeps compiled code, the images of memories, and what else a start needs, in a folder that
// processes share. It is safe for concurrent use. A nil Cache keeps nothing.
type Cache struct {
	dir    string
	folder string // of the entries that this version of the core runtime understands
	limit  int64  // in bytes
	failed error  // why the cache can keep nothing
	stage  *stage

	// listed are the entries with code, by the hash of the module, as they were when the folder was last read.
	listing sync.Mutex
	listed  map[string][]string

	// compiling is locked while a module is compiled. So new files in the stage belong to that module.
	compiling sync.Mutex
	// unnamed are the hashes of modules whose shells the core runtime has compiled, and may not have forgotten.
	unnamed map[string]bool
}

const (
	// folderPrefix begins the names of folders with entries. The names end with the core runtime's version
	// and the platform. The number is the version of the format.
	folderPrefix = "component-3-"
	// anyFolder matches the folders of all formats.
	anyFolder    = "component-[0-9]*-*"
	codeSuffix   = ".code"
	hashSize     = 2 * sha256.Size // of a hash in a name
	memorySuffix = ".memory"
	startSuffix  = ".start"
	// touchAfter is how old the mark of an entry's last use may get before a use renews it.
	touchAfter = 12 * time.Hour
)

// entryName matches the names of entries: the hash of a module and the core runtime's name for the code of its shell, or
// the hash of a memory or of an index.
var entryName = regexp.MustCompile(`^[0-9a-f]{64}(-[0-9a-f]{64}\.code|\.memory|\.start)$`)

// Open opens the cache in a folder, and makes the folder when it is missing. When the cache has more than
// limit bytes it removes the entries that were not used for longest. It only reads a folder that it cannot
// write to: see [Cache.Err]. The error says why the folder cannot be a cache: this process can neither make
// nor read it, or another user could have put code into it.
func Open(dir string, limit int64) (c *Cache, err error) {
	defer func() { err = withRemedy(err) }()
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	c = &Cache{dir: dir, limit: limit, unnamed: map[string]bool{}}
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
	// The check comes here because all folders of the path exist now.
	if err := trusted(c.folder); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if c.failed == nil {
		c.failed = c.tryToKeep()
	}
	c.failed = withRemedy(c.failed)
	c.sweep()
	return c, nil
}

// withRemedy adds the remedy to an error when this user lacks a right.
func withRemedy(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		err = fmt.Errorf("%w: give the folder to this user, or choose another one", err)
	}
	return err
}

// tryToKeep returns the reason that no entry can be made in the folder.
func (c *Cache) tryToKeep() error {
	w, err := c.create("try")
	if err != nil {
		return err
	}
	_ = w.finish(errNotKept)
	return nil
}

var errNotKept = errors.New("not kept")

// entries returns the entries for the module with a hash. It reads the folder again only where it knows of none: one start
// asks for each module of a component, twice.
func (c *Cache) entries(hash string) []string {
	c.listing.Lock()
	defer c.listing.Unlock()
	if names := c.listed[hash]; len(names) > 0 {
		return names
	}
	c.listed = map[string][]string{}
	files, _ := os.ReadDir(c.folder)
	for _, f := range files {
		if name := f.Name(); strings.HasSuffix(name, codeSuffix) && entryName.MatchString(name) {
			of := name[:hashSize]
			c.listed[of] = append(c.listed[of], name)
		}
	}
	return c.listed[hash]
}

// Hash is the key of a module's code: the SHA-256 of the module, in hexadecimal.
func Hash(module []byte) string {
	sum := sha256.Sum256(module)
	return hex.EncodeToString(sum[:])
}

// Has reports whether the cache has code for the module with a hash. The code may turn out to be damaged, or
// to be for other processors.
func (c *Cache) Has(hash string) bool {
	return c != nil && len(c.entries(hash)) > 0
}

// HasWhole reports whether the cache has undamaged code for the module with a hash. It reads all of the code.
func (c *Cache) HasWhole(hash string) bool {
	for _, name := range c.entries(hash) {
		if r := c.read(name); r != nil && r.whole() {
			return true
		}
	}
	return false
}

// A Module is what the cache knows of a module that is to be compiled.
type Module struct {
	Hash string // of the code, as Hash makes it
	// Shell is that of Shell; nil when it is not at hand.
	Shell []byte
	// Code returns the module. It is called only when Shell is nil, or when the cache lacks compiled code.
	Code func() ([]byte, error)
}

// Shell returns the shell of a module, or the module itself when it has no functions: see [wasm.Shell].
func Shell(code []byte, hash string) ([]byte, error) {
	shell, ok, err := wasm.Shell(code, hash)
	if err != nil {
		return nil, err
	}
	if !ok {
		return code, nil
	}
	return shell, nil
}

// Compile compiles a module with the core runtime, which must use Core as its cache. compile calls that runtime. It gets
// the module's shell in place of the module where the cache has the code: see [wasm.Shell]. Otherwise the cache keeps the
// code that it makes.
func (c *Cache) Compile(ctx context.Context, m Module, compile Compiler) (wazero.CompiledModule, error) {
	if c == nil {
		module, err := m.Code()
		if err != nil {
			return nil, err
		}
		return compile(ctx, module)
	}
	c.compiling.Lock()
	defer c.compiling.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err // The context may have ended while this waited for others.
	}
	if err := c.stage.ready(); err != nil {
		return nil, err
	}
	defer c.stage.clear()
	shell, hash := m.Shell, m.Hash
	if shell == nil {
		module, err := m.Code()
		if err != nil {
			return nil, err
		}
		if shell, err = Shell(module, hash); err != nil {
			shell = module // The core runtime says what is wrong with it.
		}
	}
	if !c.unnamed[hash] && c.placeAll(hash) {
		if code, err := compile(onlyCached(ctx), shell); err == nil {
			return code, nil
		}
		c.stage.clear()
	}
	module, err := m.Code()
	if err != nil {
		return nil, err
	}
	code, err := compile(ctx, module)
	if err != nil {
		// When only the stage cannot be written to, the core runtime has the code all the same, and returns
		// it at the second call.
		if code, err = compile(ctx, module); err != nil {
			return nil, err
		}
	}
	if made := c.stage.files(); len(made) == 1 {
		c.keep(filepath.Join(c.stage.code, made[0]), hash, c.nameOf(ctx, shell, hash, made[0], compile))
	}
	return code, nil
}

// Start has read read what KeepStart has kept for a hash. It reports whether read could. An entry that is damaged, or
// that read cannot read, is removed.
func (c *Cache) Start(hash string, read func([]byte) error) bool {
	r := c.read(hash + startSuffix)
	if r == nil {
		return false
	}
	defer r.Close()
	b := make([]byte, r.left)
	if _, err := io.ReadFull(r, b); err != nil {
		return false
	}
	if _, err := r.Read(nil); err != io.EOF {
		return false
	}
	if read(b) != nil {
		_ = r.damaged()
		return false
	}
	return true
}

// KeepStart keeps what a start needs of the component whose index has a hash, when it is not there. start makes it. When
// this process cannot write to the cache, the cache stays as it is, which costs only time.
func (c *Cache) KeepStart(hash string, start func() ([]byte, error)) {
	name := hash + startSuffix
	if _, err := os.Lstat(filepath.Join(c.folder, name)); err == nil {
		return
	}
	c.copyFrom(name, func() (io.ReadCloser, error) {
		b, err := start()
		return io.NopCloser(bytes.NewReader(b)), err
	})
}

// A Compiler compiles a module with the core runtime.
type Compiler func(ctx context.Context, module []byte) (wazero.CompiledModule, error)

// onlyCached has the core runtime return code that it has in its cache, and compile nothing: its compiler looks at the
// context before the first function where several goroutines compile.
func onlyCached(ctx context.Context) context.Context {
	ended, cancel := context.WithCancel(experimental.WithCompilationWorkers(ctx, 2))
	cancel()
	return ended
}

// nameOf returns the name under which the core runtime looks for the code of a shell; "" where it does not say. made is
// the name that the code of the module itself has.
func (c *Cache) nameOf(ctx context.Context, shell []byte, hash, made string, compile Compiler) string {
	code, err := compile(context.WithoutCancel(ctx), shell)
	if err != nil {
		c.unnamed[hash] = true // It keeps code that it could not write.
		return ""
	}
	_ = code.Close(context.WithoutCancel(ctx)) // Else the core runtime would have it for the shell from now on.
	for _, name := range c.stage.files() {
		if name != made {
			return name
		}
	}
	return made // The module is its own shell.
}

// placeAll puts the undamaged entries for the module with a hash into the stage. It reports whether there are any.
func (c *Cache) placeAll(hash string) (any bool) {
	for _, name := range c.entries(hash) {
		any = c.place(name, filepath.Join(c.stage.code, strings.TrimSuffix(name[len(hash)+1:], codeSuffix))) || any
	}
	if !any {
		c.listing.Lock()
		delete(c.listed, hash) // They are gone.
		c.listing.Unlock()
	}
	return any
}

// place puts an undamaged entry into the stage. It links the file before it checks it: the file of that name
// in the folder may be replaced meanwhile.
func (c *Cache) place(name, to string) bool {
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

// keep makes an entry of the code in a file, for the module with a hash. The core runtime is to find it under a name; ""
// keeps nothing. When this process cannot write to the cache, the cache stays as it is, which costs only time.
func (c *Cache) keep(path, hash, name string) {
	if name == "" {
		return
	}
	in, err := os.Open(path)
	if err != nil {
		return
	}
	defer in.Close()
	w, err := c.create(hash + "-" + name + codeSuffix)
	if err != nil {
		return
	}
	_, err = io.Copy(w, in)
	_ = w.finish(err)
	c.evict()
}

// Load has use read the image of a memory, whose SHA-256 is hash. The image comes from the cache. When it is
// not there, Load copies the image that from reads into the cache, if it can. When what use has read turns
// out to be damaged, Load calls use again, from the beginning.
func (c *Cache) Load(hash string, from func() (io.ReadCloser, error), use func(io.Reader) error) error {
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

// copyFrom makes an entry of the bytes that from reads.
func (c *Cache) copyFrom(name string, from func() (io.ReadCloser, error)) bool {
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

// evict removes the entries that were not used for longest, until the cache is within the limit. It also
// removes entries of other versions.
func (c *Cache) evict() {
	type entry struct {
		path string
		fs.FileInfo
	}
	var all []entry
	var total int64
	paths, _ := filepath.Glob(filepath.Join(c.dir, anyFolder, "*"))
	for _, path := range paths {
		info, err := os.Lstat(path)
		if err == nil && info.Mode().IsRegular() && entryName.MatchString(info.Name()) {
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

// Core returns the cache for the core runtime. The caller closes it before the Cache.
func (c *Cache) Core() wazero.CompilationCache { return c.stage.core }

// Err returns the reason that the cache can keep nothing, or nil. The cache uses existing entries all the
// same.
func (c *Cache) Err() error {
	if c == nil {
		return nil
	}
	return c.failed
}

// Close removes the stage. It may be called more than once.
func (c *Cache) Close() error {
	if c == nil {
		return nil
	}
	return c.stage.close()
}
